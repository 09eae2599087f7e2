package dev.outboxrelay.relay.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.files.OutboxPaths;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ControlFilesTest {
  @TempDir Path root;

  /** They stay for a day, and somebody may ask for something each minute. */
  @Test
  void answersOfADayLeaveRoomForRequests() throws IOException {
    OutboxPaths outbox = new OutboxPaths(root);
    Files.createDirectory(outbox.control());
    for (int i = 0; i < 1_500; i++) {
      Files.createFile(outbox.control().resolve(UUID.randomUUID() + ControlFiles.ANSWER));
    }
    UUID request = UUID.randomUUID();
    Files.createFile(outbox.control().resolve(request + ControlFiles.REQUEST));
    ControlFiles.Listing listing = new ControlFiles(outbox, Disk.REAL).list();
    assertThat(listing.requests()).containsExactly(request);
    assertThat(listing.answers()).hasSize(1_500);
  }
}
