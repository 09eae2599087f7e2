package dev.outboxrelay.client.disk;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OwnDescriptorsTest {
  @TempDir Path directory;
  private Path file;

  @BeforeEach
  void make() throws IOException {
    file = Files.createFile(directory.resolve("file"));
  }

  @Test
  void it_leads_to_the_open_file_whatever_its_name() throws IOException {
    try (FileChannel other = open(file);
        FileChannel channel = open(file)) {
      Path own = OwnDescriptors.pathOf(channel::tryLock).orElseThrow();
      assertNotEquals(own, OwnDescriptors.pathOf(other::tryLock).orElseThrow());
      assertEquals(file.toRealPath(), OwnDescriptors.nameOf(own));
      Object key = SafeFiles.attributes(file).key();
      Files.move(file, directory.resolve("moved"));
      Files.createFile(file);
      assertEquals(key, SafeFiles.attributes(own).key());
      assertNotEquals(key, SafeFiles.attributes(file).key());
      assertEquals(directory.toRealPath().resolve("moved"), OwnDescriptors.nameOf(own));
    }
  }

  @Test
  void only_the_file_that_was_created_gets_mode_and_group() throws IOException {
    Path theirs = Files.createFile(directory.resolve("theirs"));
    Files.setPosixFilePermissions(theirs, PosixFilePermissions.fromString("r--------"));
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    try (FileChannel channel = open(file)) {
      Files.move(file, directory.resolve("moved"));
      Files.createSymbolicLink(file, theirs);
      SafeFiles.own(file, channel::tryLock);
    }
    assertEquals(0400, SafeFiles.attributes(theirs).mode() & 07777);
    assertEquals(0660, SafeFiles.attributes(directory.resolve("moved")).mode() & 07777);
  }

  @Test
  void what_lies_in_a_held_directory_is_named_as_it_was_opened() throws IOException {
    try (Folder held = Folder.hold(directory)) {
      Path below = held.path().resolve("missing");
      assertNotEquals(directory, held.path());
      assertEquals(directory.toRealPath().resolve("missing"), OwnDescriptors.nameOf(below));
      IOException error = null;
      try {
        Files.size(below);
      } catch (IOException e) {
        error = Folder.named(e);
      }
      assertEquals(directory.toRealPath().resolve("missing").toString(), error.getMessage());
      assertEquals(file, OwnDescriptors.nameOf(file));
    }
  }

  @Test
  void a_lock_that_is_taken_already_stays() throws IOException {
    try (FileChannel channel = open(file)) {
      assertTrue(channel.tryLock(0, 1, false).isValid());
      OwnDescriptors.pathOf(channel::tryLock);
      assertTrue(
          Files.readAllLines(Path.of("/proc/locks")).stream()
              .anyMatch(line -> line.contains(":" + inode() + " 0 0")));
    }
  }

  /** The order in which they were tried changed while they were put in it, which is an error. */
  @Test
  void threads_that_look_at_once_find_what_is_theirs() throws Exception {
    List<FileChannel> channels = new ArrayList<>();
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try {
      for (int i = 0; i < 400; i++) {
        channels.add(open(Files.createFile(directory.resolve("file" + i))));
      }
      List<Future<?>> lookers = new ArrayList<>();
      for (int thread = 0; thread < 4; thread++) {
        int first = thread * 97;
        lookers.add(
            threads.submit(
                () -> {
                  for (int i = 0; i < 150; i++) {
                    FileChannel far = channels.get((first + i * 131) % channels.size());
                    OwnDescriptors.pathOf(far::tryLock);
                  }
                  return null;
                }));
      }
      for (Future<?> each : lookers) {
        each.get(60, TimeUnit.SECONDS);
      }
    } finally {
      threads.shutdownNow();
      for (FileChannel each : channels) {
        each.close();
      }
    }
  }

  private String inode() {
    try {
      return Files.getAttribute(file, "unix:ino").toString();
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private static FileChannel open(Path file) throws IOException {
    return FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE);
  }
}
