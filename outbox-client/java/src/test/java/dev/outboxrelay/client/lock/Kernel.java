package dev.outboxrelay.client.lock;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** What the kernel knows of this process's locks and descriptors. */
final class Kernel {
  private Kernel() {}

  /** Whether this process holds a record lock on the file. */
  static boolean holdsLock(Path file) throws IOException {
    String pid = Long.toString(ProcessHandle.current().pid());
    String inode = ":" + Files.getAttribute(file, "unix:ino");
    return Files.readAllLines(Path.of("/proc/locks")).stream()
        .map(line -> line.split(" +"))
        .anyMatch(words -> words[4].equals(pid) && words[5].endsWith(inode));
  }

  /** How many descriptors of the file this process has. */
  static int descriptors(Path file) throws IOException {
    Path real = file.toRealPath();
    int count = 0;
    try (DirectoryStream<Path> all = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
      for (Path each : all) {
        try {
          count += Files.readSymbolicLink(each).equals(real) ? 1 : 0;
        } catch (NoSuchFileException e) {
          // closed meanwhile
        }
      }
    }
    return count;
  }
}
