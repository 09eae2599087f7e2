package dev.outboxrelay.client.lock;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LockWitnessTest {
  @TempDir Path parent;
  private final List<Path> mounted = new ArrayList<>();

  @AfterEach
  void unmount() throws Exception {
    for (Path each : mounted) {
      run("umount", each.toString());
    }
  }

  @Test
  void a_lock_is_seen_until_it_is_dropped() throws IOException {
    Path file = Files.createFile(parent.resolve("file"));
    assertNull(LockWitness.find(file));
    try (FileChannel channel = open(file)) {
      FileLock lock = channel.lock();
      try (LockWitness witness = LockWitness.find(file)) {
        assertNotNull(witness);
        assertTrue(witness.seesLock());
        lock.release();
        assertFalse(witness.seesLock());
      }
    }
  }

  @Test
  void the_same_inode_of_another_file_system_is_another_file() throws Exception {
    Path one = Files.createFile(fileSystem("one").resolve("file"));
    Path two = Files.createFile(fileSystem("two").resolve("file"));
    assertEquals(Files.getAttribute(one, "unix:ino"), Files.getAttribute(two, "unix:ino"));
    try (FileChannel channel = open(one)) {
      assertTrue(channel.lock().isValid());
      assertNull(LockWitness.find(two));
    }
  }

  private Path fileSystem(String name) throws Exception {
    Path directory = Files.createDirectory(parent.resolve(name));
    int refused = run("mount", "-t", "tmpfs", "tmpfs", directory.toString());
    assumeTrue(refused == 0, "mounting a tmpfs needs root");
    mounted.add(directory);
    return directory;
  }

  private static int run(String... command) throws Exception {
    return new ProcessBuilder(command).inheritIO().start().waitFor();
  }

  private static FileChannel open(Path file) throws IOException {
    return FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE);
  }
}
