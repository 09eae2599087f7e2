package dev.outboxrelay.relay.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RelayLockTest {
  @TempDir private Path outbox;

  @Test
  void itIsInPlaceUntilItsFileIsRemovedOrAnotherTakesItsPath() throws IOException {
    Path file = outbox.resolve("relay.lock");
    try (RelayLock lock = RelayLock.take(outbox)) {
      assertThat(lock.isInPlace()).isTrue();
      Path aside = Files.move(file, outbox.resolve("aside"));
      assertThat(lock.isInPlace()).isFalse();
      Files.createFile(file);
      assertThat(lock.isInPlace()).isFalse();
      Files.delete(file);
      Files.move(aside, file);
      assertThat(lock.isInPlace()).isTrue();
    }
  }
}
