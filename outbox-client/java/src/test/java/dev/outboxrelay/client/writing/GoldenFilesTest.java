package dev.outboxrelay.client.writing;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.record.OutboxRecord;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every state of the golden files: what a reader finds, what the next append makes of it, and the
 * same bytes.
 */
class GoldenFilesTest {
  @TempDir Path parent;

  static List<String> names() throws IOException {
    return Golden.names();
  }

  static List<String> writable() throws IOException {
    return names().stream().filter(name -> new Golden(name).writable()).toList();
  }

  @ParameterizedTest
  @MethodSource("names")
  void the_next_append_mends_the_state_to_the_byte(String name) throws IOException {
    Golden golden = new Golden(name);
    Path outbox = parent.resolve("outbox");
    Golden.materialise(golden.before(), outbox);
    assertEquals(
        golden.appended().get("sequence"), append(outbox, golden.rollBytes(), golden.appended()));
    assertSame(golden.after(), outbox);
  }

  @ParameterizedTest
  @MethodSource("writable")
  void the_same_events_make_the_same_bytes(String name) throws IOException {
    Golden golden = new Golden(name);
    Path outbox = parent.resolve("outbox");
    Golden.materialise(new Golden("empty").before(), outbox);
    MutableClock clock = new MutableClock(0);
    try (QueueWriter writer = writer(outbox, golden.rollBytes(), clock)) {
      for (Map<String, Object> event : golden.records()) {
        clock.set((Long) event.get("append_time"));
        assertEquals(event.get("sequence"), writer.append(Golden.event(event)).sequence());
      }
    }
    assertSame(golden.before(), outbox);
  }

  @ParameterizedTest
  @MethodSource("names")
  void a_reader_finds_every_record_behind_damage_too(String name) throws IOException {
    Golden golden = new Golden(name);
    Path outbox = parent.resolve("outbox");
    Golden.materialise(golden.before(), outbox);
    List<OutboxRecord> found = ReadBack.all(outbox);
    List<OutboxRecord> wanted = new ArrayList<>();
    for (int i = 0; i < golden.records().size(); i++) {
      int length = i < found.size() ? found.get(i).length() : 0;
      wanted.add(Golden.record(golden.records().get(i), length));
    }
    assertEquals(wanted, found);
  }

  private static long append(Path outbox, long rollBytes, Map<String, Object> event) {
    try (QueueWriter writer =
        writer(outbox, rollBytes, new MutableClock((Long) event.get("append_time")))) {
      return writer.append(Golden.event(event)).sequence();
    }
  }

  private static QueueWriter writer(Path outbox, long rollBytes, MutableClock clock) {
    return QueueWriter.open(
        WriterOptions.of(new OutboxPaths(outbox)).withRollBytes(rollBytes).withClock(clock));
  }

  private static void assertSame(Map<String, Golden.Contents> wanted, Path outbox)
      throws IOException {
    Map<String, Golden.Contents> found = new TreeMap<>();
    try (Stream<Path> files = Files.walk(outbox)) {
      for (Path file : (Iterable<Path>) files.filter(Files::isRegularFile)::iterator) {
        found.put(outbox.relativize(file).toString(), Golden.load(file));
      }
    }
    Golden.Contents counters = found.remove("append.failures");
    assertEquals(512, counters.size());
    assertEquals(0, counters.bytes().length, "an append was refused");
    assertEquals(wanted.keySet(), found.keySet());
    for (Map.Entry<String, Golden.Contents> file : wanted.entrySet()) {
      Golden.Contents ours = found.get(file.getKey());
      assertEquals(file.getValue().size(), ours.size(), file.getKey());
      int difference = Arrays.mismatch(file.getValue().bytes(), ours.bytes());
      assertEquals(
          -1, difference, () -> file.getKey() + " differs at 0x" + Integer.toHexString(difference));
    }
  }
}
