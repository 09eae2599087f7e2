package dev.outboxrelay.client.files;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outboxrelay.client.InvalidEvent;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OutboxPathsTest {
  private static final int MOST_NAMES = 100_000;

  @TempDir Path folder;

  @Test
  void a_queue_that_somebody_filled_is_not_listed_to_its_end() throws IOException {
    OutboxPaths paths = new OutboxPaths(folder);
    Files.createDirectory(paths.queue());
    Path file = Files.createFile(paths.cycle(1));
    Path aside = Files.createFile(folder.resolve("aside"));
    for (int i = 1; i < MOST_NAMES; i++) {
      Files.createSymbolicLink(paths.queue().resolve("x" + i), aside);
    }
    assertEquals(List.of(1L), paths.cycles());
    Files.createSymbolicLink(paths.queue().resolve("x"), file);
    IOException refused = assertThrows(IOException.class, paths::cycles);
    assertTrue(refused.getMessage().contains("remove what is not"), refused.getMessage());
  }

  @Test
  void no_name_leads_out_of_the_parked_topics() {
    OutboxPaths paths = new OutboxPaths(folder);
    assertEquals(folder.resolve("parked/a.b"), paths.parked("a.b").root());
    for (String name : List.of("", ".", "..", "../x", "a/b", "/a", "a\0", "ä", "a".repeat(250))) {
      assertThrows(InvalidEvent.class, () -> paths.parked(name), name);
    }
  }
}
