package dev.outboxrelay.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OpenRefusalsTest {
  @TempDir Path parent;
  private Path path;

  @BeforeEach
  void name() {
    path = parent.resolve("outbox");
  }

  @Test
  void a_relative_path_is_refused() {
    refused(Path.of("outbox"), "relative");
  }

  @Test
  void a_missing_parent_is_refused_and_not_made() {
    refused(parent.resolve("missing/outbox"), "does not exist");
    assertTrue(Files.notExists(parent.resolve("missing")));
  }

  @Test
  void a_parent_that_everybody_may_write_is_refused_unless_it_is_trusted() throws IOException {
    Files.setPosixFilePermissions(parent, PosixFilePermissions.fromString("rwxrwxrwx"));
    refused(path, "OUTBOX_TRUST_PARENT");
    Outbox.builder().path(path).trustParent(true).open().close();
  }

  @Test
  void a_symbolic_link_or_a_file_in_place_of_the_directory_is_refused() throws IOException {
    Path real = Files.createDirectory(parent.resolve("real"));
    Files.createSymbolicLink(path, real);
    refused(path, "symbolic link");
    Files.delete(path);
    Files.writeString(path, "a file");
    refused(path, "no directory");
  }

  @Test
  void a_directory_that_everybody_may_write_is_refused() throws IOException {
    Outbox.open(path).close();
    for (Path directory : List.of(path, path.resolve("queue"))) {
      Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxrwxrwx"));
      refused(path, "can be written by everybody");
      Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxrwx---"));
    }
    Outbox.open(path).close();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"outbox.lock", "outbox.state", "append.failures", "queue/metadata.cq4t", "CYCLE"})
  void files_that_are_links_or_open_to_everybody_are_refused(String name) throws IOException {
    try (Outbox outbox = Outbox.open(path)) {
      outbox.append(OutboxEvent.of("t", "x"));
      assertThrows(InvalidEvent.class, () -> outbox.append(OutboxEvent.of(".", "x")));
    }
    Path file = name.equals("CYCLE") ? cycle() : path.resolve(name);
    Path elsewhere = parent.resolve("elsewhere");

    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-rw--w-"));
    refused(path, "can be written by everybody");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-rw----"));

    Files.createLink(elsewhere, file);
    refused(path, "2 hard links");
    Files.delete(elsewhere);

    Files.move(file, elsewhere);
    Files.createSymbolicLink(file, elsewhere);
    refused(path, "symbolic link");
    Files.delete(file);
    Files.move(elsewhere, file);
    Outbox.open(path).close();
  }

  @Test
  void a_file_of_another_group_is_refused() throws IOException {
    Outbox.open(path).close();
    Path state = path.resolve("outbox.state");
    int group = (Integer) Files.getAttribute(state, "unix:gid");
    try {
      Files.setAttribute(state, "unix:gid", group + 1);
    } catch (FileSystemException e) {
      assumeTrue(false, "needs the right to give a file to another group (root)");
    }
    refused(path, "belongs to group " + (group + 1));
  }

  @Test
  void power_durability_on_tmpfs_is_refused() throws IOException {
    Path memory = Path.of("/dev/shm");
    assumeTrue(
        Files.isWritable(memory) && Files.getFileStore(memory).type().equals("tmpfs"),
        "needs a writable tmpfs at /dev/shm");
    Path own = Files.createTempDirectory(memory, "outbox-test");
    try {
      OutboxUnavailable error =
          assertThrows(
              OutboxUnavailable.class,
              () ->
                  Outbox.builder().path(own.resolve("outbox")).durability(Durability.POWER).open());
      assertTrue(error.getMessage().contains("tmpfs"), error.getMessage());
      try (Outbox outbox = Outbox.open(own.resolve("outbox"))) {
        outbox.append(OutboxEvent.of("t", "x"));
      }
    } finally {
      deleteTree(own);
    }
  }

  @Test
  void a_file_system_that_is_not_known_is_refused() {
    Path proc = Path.of("/proc/self");
    assumeTrue(Files.isDirectory(proc), "needs /proc");
    refused(proc.resolve("outbox"), "file system of type proc");
  }

  @Test
  void a_file_system_that_the_system_does_not_tell_is_taken() throws Exception {
    assumeTrue(ChildProcess.mayMount(), "needs unshare, and the right to use it");
    try (ChildProcess child =
        ChildProcess.appendingBehindMounts(
            "mount --bind /dev/null /proc/$$/mounts && mount --bind /dev/null /proc/$$/mountinfo",
            path,
            1)) {
      assertTrue(String.valueOf(child.readLine()).startsWith("1 "));
      assertEquals(0, child.waitFor());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"000", "022", "077", "777"})
  void modes_are_set_whatever_the_umask(String umask) throws Exception {
    try (ChildProcess child = ChildProcess.appendingWithUmask(umask, path, 1)) {
      assertTrue(child.readLine().startsWith("1 "));
      assertEquals(0, child.waitFor());
    }
    try (Stream<Path> all = Files.walk(path)) {
      for (Path file : (Iterable<Path>) all::iterator) {
        int mode = (Integer) Files.getAttribute(file, "unix:mode") & 07777;
        assertEquals(
            Files.isDirectory(file) ? "2770" : "660", Integer.toOctalString(mode), file.toString());
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"outbox.lock", "outbox.state", "append.failures", "queue/metadata.cq4t", "CYCLE"})
  void a_mode_that_its_writer_was_killed_before_giving_is_given_by_the_next(String name)
      throws IOException {
    try (Outbox outbox = Outbox.open(path)) {
      outbox.append(OutboxEvent.of("t", "x"));
    }
    Path file = name.equals("CYCLE") ? cycle() : path.resolve(name);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    try (Outbox outbox = Outbox.open(path)) {
      assertThrows(InvalidEvent.class, () -> outbox.append(OutboxEvent.of(".", "x")));
      outbox.append(OutboxEvent.of("t", "x"));
    }
    assertEquals("rw-rw----", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"outbox.state", "relay.position", "queue/metadata.cq4t", "CYCLE"})
  void a_pipe_in_place_of_a_file_is_refused_and_not_waited_for(String name) throws Exception {
    try (Outbox outbox = Outbox.open(path)) {
      outbox.append(OutboxEvent.of("t", "x"));
    }
    Path file = name.equals("CYCLE") ? cycle() : path.resolve(name);
    Files.deleteIfExists(file);
    String[] make = {"mkfifo", "-m", "660", file.toString()};
    assumeTrue(new ProcessBuilder(make).inheritIO().start().waitFor() == 0, "there is no mkfifo");
    assertTimeoutPreemptively(Duration.ofMinutes(1), () -> refused(path, "is not a regular file"));
  }

  @Test
  void a_queue_on_a_file_system_of_its_own_is_refused() throws Exception {
    Outbox.open(path).close();
    String queue = path.resolve("queue").toString();
    String[] mount = {"mount", "-t", "tmpfs", "-o", "mode=2770", "tmpfs", queue};
    assumeTrue(new ProcessBuilder(mount).inheritIO().start().waitFor() == 0, "a mount needs root");
    try {
      refused(path, "is a file system of its own");
    } finally {
      assertEquals(0, new ProcessBuilder("umount", queue).inheritIO().start().waitFor());
    }
  }

  private Path cycle() throws IOException {
    try (Stream<Path> files = Files.list(path.resolve("queue"))) {
      return files.filter(file -> file.toString().endsWith(".cq4")).findFirst().orElseThrow();
    }
  }

  private static void refused(Path outbox, String reason) {
    OutboxUnavailable error =
        assertThrows(OutboxUnavailable.class, () -> Outbox.open(outbox).close());
    assertTrue(error.getMessage().contains(reason), error.getMessage());
  }

  private static void deleteTree(Path directory) throws IOException {
    try (Stream<Path> all = Files.walk(directory)) {
      for (Path file : all.sorted(java.util.Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
