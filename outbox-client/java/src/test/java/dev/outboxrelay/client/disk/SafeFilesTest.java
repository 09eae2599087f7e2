package dev.outboxrelay.client.disk;

import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class SafeFilesTest {
  @TempDir Path parent;

  @Test
  void in_a_directory_that_was_removed_while_it_was_held_nothing_is_made_and_nobody_waits()
      throws IOException {
    Path directory = Files.createDirectory(parent.resolve("outbox"));
    try (Folder held = Folder.hold(directory)) {
      Files.delete(directory);
      Path file = held.path().resolve("relay.position");
      assertThrows(NoSuchFileException.class, () -> SafeFiles.openOrCreate(file));
    }
  }
}
