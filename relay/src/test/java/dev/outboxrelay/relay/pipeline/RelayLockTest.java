package dev.outboxrelay.relay.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.outboxrelay.relay.inspect.LockHolder;
import java.io.IOException;
import java.nio.file.DirectoryStream;
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

  @Test
  void itStaysHeldWhenItsOutboxIsRenamedAndFoundAgain() throws Exception {
    Path file = outbox.resolve("a/relay.lock");
    Path renamed = outbox.resolve("b");
    Files.createDirectory(file.getParent());
    try (RelayLock lock = RelayLock.take(file.getParent())) {
      Files.move(file.getParent(), renamed);
      for (int i = 0; i < 20; i++) {
        assertThatThrownBy(() -> RelayLock.take(renamed))
            .isInstanceOf(PipelineRefused.HeldByAnother.class);
      }
      assertThat(descriptors(renamed.resolve("relay.lock"))).isEqualTo(1);
      assertThatItStaysHeld(renamed.resolve("relay.lock"));
      assertThat(lock.isInPlace()).isFalse();
    }
    RelayLock.take(renamed).close();
    assertThat(descriptors(renamed.resolve("relay.lock"))).isZero();
  }

  @Test
  void itStaysHeldWhenNobodyKeepsIt() throws Exception {
    takeAndForget();
    assertThatItStaysHeld(outbox.resolve("relay.lock"));
    assertThatThrownBy(() -> RelayLock.take(outbox))
        .isInstanceOf(PipelineRefused.HeldByAnother.class);
  }

  @Test
  void closingItAgainTakesNothingFromWhoHasItNow() throws IOException {
    RelayLock lock = RelayLock.take(outbox);
    lock.close();
    try (RelayLock next = RelayLock.take(outbox)) {
      lock.close();
      assertThat(next.isInPlace()).isTrue();
      assertThat(LockHolder.of(outbox.resolve("relay.lock"))).hasValue(ownPid());
    }
  }

  @Test
  void itIsNotInPlaceOnceSomethingElseHasClosedItsFile() throws IOException {
    try (RelayLock lock = RelayLock.take(outbox)) {
      Files.readAllBytes(outbox.resolve("relay.lock"));
      assertThat(lock.isInPlace()).isFalse();
    }
    try (RelayLock again = RelayLock.take(outbox)) {
      assertThat(again.isInPlace()).isTrue();
    }
  }

  private void takeAndForget() {
    assertThat(RelayLock.take(outbox).isInPlace()).isTrue();
  }

  private static void assertThatItStaysHeld(Path file) throws Exception {
    for (int i = 0; i < 20; i++) {
      System.gc();
      Thread.sleep(10); // time for what a collection sets off
      assertThat(LockHolder.of(file)).hasValue(ownPid());
    }
  }

  private static long ownPid() {
    return ProcessHandle.current().pid();
  }

  private static int descriptors(Path file) throws IOException {
    int count = 0;
    try (DirectoryStream<Path> all = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
      for (Path each : all) {
        if (Files.isSymbolicLink(each)) {
          count += Files.readSymbolicLink(each).equals(file.toRealPath()) ? 1 : 0;
        }
      }
    }
    return count;
  }
}
