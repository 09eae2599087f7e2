package dev.outboxrelay.client.disk;

import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An owner who puts a pipe and a file in each other's place, as fast as he can. */
class SwappedFileTest {
  private static final int OPENINGS = 20_000;

  @TempDir Path folder;

  @Test
  void a_pipe_that_comes_between_a_look_and_an_opening_is_not_waited_for() throws Exception {
    Path regular = Files.createFile(folder.resolve("regular"));
    Path pipe = folder.resolve("pipe");
    String[] make = {"mkfifo", "-m", "660", pipe.toString()};
    assumeTrue(new ProcessBuilder(make).inheritIO().start().waitFor() == 0, "there is no mkfifo");
    Path file = Files.createLink(folder.resolve("file"), regular);
    Thread owner = new Thread(() -> swap(file, pipe, regular));
    owner.start();
    try {
      int opened = assertTimeoutPreemptively(Duration.ofMinutes(2), () -> openings(file));
      assertTrue(opened > 0 && opened < OPENINGS, opened + " were files when they were opened");
    } finally {
      owner.interrupt();
      owner.join();
    }
  }

  private static int openings(Path file) {
    int opened = 0;
    for (int i = 0; i < OPENINGS; i++) {
      try (FileChannel channel = SafeFiles.openToRead(file)) {
        opened++;
      } catch (IOException e) {
        // a pipe, and known to be one
      }
    }
    return opened;
  }

  private static void swap(Path file, Path pipe, Path regular) {
    Path next = file.resolveSibling("next");
    try {
      while (!Thread.currentThread().isInterrupted()) {
        for (Path each : new Path[] {pipe, regular}) {
          Files.createLink(next, each);
          Files.move(next, file, StandardCopyOption.ATOMIC_MOVE);
        }
      }
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }
}
