package dev.outboxrelay.client.writing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outboxrelay.client.Durability;
import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.OutboxUnavailable;
import dev.outboxrelay.client.disk.WatchedDisk;
import dev.outboxrelay.client.files.OutboxPaths;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Who owns one outbox points its directories at another's: that is never touched. */
class HeldDirectoriesTest {
  private static final OutboxEvent EVENT = OutboxEvent.of("t", "x");
  private static final long HOUR = 3_600_000;

  @TempDir Path parent;

  private OutboxPaths bent;
  private OutboxPaths victim;
  private MutableClock clock;

  @BeforeEach
  void fill() {
    bent = new OutboxPaths(parent.resolve("bent"));
    victim = new OutboxPaths(parent.resolve("victim"));
    clock = new MutableClock(HOUR);
    try (QueueWriter writer = QueueWriter.open(options(victim))) {
      clock.set(2 * HOUR);
      writer.append(EVENT);
      clock.set(3 * HOUR);
      writer.append(EVENT);
    }
    clock.set(HOUR);
  }

  @ParameterizedTest
  @ValueSource(strings = {"queue", ""})
  void a_link_in_place_of_a_directory_is_refused(String what) throws IOException {
    try (QueueWriter writer = QueueWriter.open(options(bent))) {
      writer.append(EVENT);
      Map<String, String> before = contents(victim);
      point(bent.root().resolve(what), victim.root().resolve(what));
      OutboxError refused = assertThrows(OutboxUnavailable.class, () -> writer.append(EVENT));
      assertTrue(refused.getMessage().contains("is no directory"), refused.getMessage());
      assertEquals(before, contents(victim));
    }
  }

  @Test
  void whatever_step_of_a_writer_it_happens_before_another_outbox_stays_as_it_is()
      throws IOException {
    WatchedDisk all = new WatchedDisk();
    appendAndRoll(bent, all);
    int operations = all.operations().size();
    assertTrue(operations > 40, all.operations().toString());
    int refused = 0;
    for (int i = 0; i < operations; i++) {
      for (String what : new String[] {"queue", ""}) {
        OutboxPaths paths = new OutboxPaths(parent.resolve("bent" + i + what));
        clock.set(HOUR);
        Map<String, String> before = contents(victim);
        WatchedDisk watched = new WatchedDisk();
        watched.beforeNumber(
            i, () -> point(paths.root().resolve(what), victim.root().resolve(what)));
        String where = all.operations().get(i) + " " + what;
        try {
          appendAndRoll(paths, watched);
        } catch (OutboxUnavailable e) {
          refused++;
          assertFalse(e.getMessage().contains("/proc/self"), e.getMessage());
        }
        assertTrue(Files.isSymbolicLink(paths.root().resolve(what)), where);
        assertEquals(before, contents(victim), where);
      }
    }
    assertTrue(refused > operations, refused + " of " + operations);
  }

  @Test
  void maintenance_touches_no_other_outbox() throws IOException {
    try (QueueWriter writer = QueueWriter.open(options(bent))) {
      writer.append(EVENT);
    }
    Map<String, String> before = contents(victim);
    point(bent.queue(), victim.queue());
    try (QueueMaintenance maintenance = new QueueMaintenance(options(bent))) {
      assertThrows(OutboxUnavailable.class, () -> maintenance.delete(2));
      assertThrows(OutboxUnavailable.class, () -> maintenance.seal(2));
      assertThrows(OutboxUnavailable.class, () -> maintenance.markFailed(2));
      assertThrows(OutboxUnavailable.class, maintenance::mend);
    }
    assertEquals(before, contents(victim));
  }

  @Test
  void errors_name_files_as_the_user_does() throws IOException {
    try (QueueWriter writer = QueueWriter.open(options(bent))) {
      writer.append(EVENT);
    }
    Path second = bent.root().resolve("second");
    Files.createLink(second, bent.cycle(1));
    OutboxError refused =
        assertThrows(OutboxUnavailable.class, () -> QueueWriter.open(options(bent)));
    assertTrue(refused.getMessage().contains(bent.cycle(1).toString()), refused.getMessage());
    Files.delete(second);

    Files.delete(bent.state());
    Files.createDirectory(bent.state());
    refused = assertThrows(OutboxUnavailable.class, () -> QueueWriter.open(options(bent)));
    assertTrue(refused.getMessage().contains(bent.state().toString()), refused.getMessage());
  }

  @Test
  void no_descriptor_is_left_open() throws IOException {
    appendAndRoll(bent, new WatchedDisk());
    long before = descriptorsBelow(parent);
    try (QueueWriter writer = QueueWriter.open(options(bent))) {
      writer.append(EVENT);
      assertTrue(descriptorsBelow(parent) > before);
    }
    Files.delete(bent.state());
    Files.createDirectory(bent.state());
    assertThrows(OutboxUnavailable.class, () -> QueueWriter.open(options(bent)));
    assertEquals(before, descriptorsBelow(parent));
  }

  private void appendAndRoll(OutboxPaths paths, WatchedDisk disk) {
    WriterOptions options = options(paths).withDisk(disk.disk()).withDurability(Durability.POWER);
    try (QueueWriter writer = QueueWriter.open(options)) {
      writer.append(EVENT);
      writer.append(EVENT);
      clock.set(2 * HOUR);
      writer.append(EVENT);
    }
    clock.set(3 * HOUR);
    try (QueueWriter writer = QueueWriter.open(options)) {
      writer.append(EVENT);
    }
  }

  private WriterOptions options(OutboxPaths paths) {
    return WriterOptions.of(paths).withClock(clock);
  }

  private static void point(Path directory, Path other) throws IOException {
    Files.move(directory, directory.resolveSibling("moved-" + UUID.randomUUID()));
    Files.createSymbolicLink(directory, other);
  }

  /** Names and what is in them; cycle files without the hole behind their data. */
  private static Map<String, String> contents(OutboxPaths outbox) throws IOException {
    Map<String, String> contents = new TreeMap<>();
    try (Stream<Path> all = Files.walk(outbox.root())) {
      for (Path file : (Iterable<Path>) all.filter(Files::isRegularFile)::iterator) {
        byte[] start = new byte[128 << 10];
        int length;
        try (InputStream in = Files.newInputStream(file)) {
          length = in.readNBytes(start, 0, start.length);
        }
        String text = Files.size(file) + " " + length + " " + Arrays.hashCode(start);
        contents.put(outbox.root().relativize(file).toString(), text);
      }
    }
    return contents;
  }

  private static long descriptorsBelow(Path directory) throws IOException {
    Path real = directory.toRealPath();
    long count = 0;
    try (DirectoryStream<Path> all = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
      for (Path each : all) {
        if (Files.isSymbolicLink(each) && Files.readSymbolicLink(each).startsWith(real)) {
          count++;
        }
      }
    }
    return count;
  }
}
