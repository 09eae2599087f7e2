package dev.outboxrelay.client.writing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.OutboxFull;
import dev.outboxrelay.client.OutboxUnavailable;
import dev.outboxrelay.client.Receipt;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.record.OutboxRecord;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
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
    golden.materialise(outbox);
    if (golden.refused() == null) {
      List<Object> sequences =
          golden.appended().stream().map(event -> event.get("sequence")).toList();
      assertEquals(sequences, append(outbox, golden));
    } else {
      OutboxError error = assertThrows(OutboxError.class, () -> append(outbox, golden));
      assertEquals(
          golden.refused().equals("full") ? OutboxFull.class : OutboxUnavailable.class,
          error.getClass());
    }
    assertSame(golden.after(), outbox);
    if (golden.stopped() == null || golden.stopped().get("cycle") != null) {
      assertRecords(golden.recordsAfter(), outbox);
    }
  }

  @ParameterizedTest
  @MethodSource("writable")
  void the_same_events_make_the_same_bytes(String name) throws IOException {
    Golden golden = new Golden(name);
    Path outbox = parent.resolve("outbox");
    new Golden("empty").materialise(outbox);
    MutableClock clock = new MutableClock(0);
    try (QueueWriter writer = writer(outbox, golden, clock)) {
      List<OutboxEvent> batch = new ArrayList<>();
      for (Map<String, Object> event : golden.records()) {
        clock.set((Long) event.get("append_time"));
        batch.add(Golden.event(event));
        if (!(Boolean) event.get("batch")) {
          List<Receipt> receipts = writer.appendAll(batch);
          assertEquals(event.get("sequence"), receipts.get(batch.size() - 1).sequence());
          batch.clear();
        }
      }
    }
    assertSame(golden.before(), outbox);
  }

  @ParameterizedTest
  @MethodSource("names")
  void a_reader_finds_every_record_behind_damage_too(String name) throws IOException {
    Golden golden = new Golden(name);
    Path outbox = parent.resolve("outbox");
    golden.materialise(outbox);
    Map<String, Object> stopped = golden.stopped();
    if (stopped != null && stopped.get("cycle") == null) {
      assertThrows(OutboxUnavailable.class, () -> ReadBack.all(outbox));
      return;
    }
    assertRecords(golden.records(), outbox);
    List<String> wanted = new ArrayList<>();
    for (Map<String, Object> problem : golden.objects("problems")) {
      wanted.add(problem.get("kind") + " " + problem.get("cycle") + " " + problem.get("offset"));
    }
    if (stopped != null) {
      wanted.add(stopped.get("kind") + " " + stopped.get("cycle") + " " + stopped.get("offset"));
    }
    assertEquals(wanted, ReadBack.problems(outbox));
  }

  private static void assertRecords(List<Map<String, Object>> described, Path outbox)
      throws IOException {
    List<OutboxRecord> found = ReadBack.all(outbox);
    List<OutboxRecord> wanted = new ArrayList<>();
    for (int i = 0; i < described.size(); i++) {
      int length = i < found.size() ? found.get(i).length() : 0;
      wanted.add(Golden.record(described.get(i), length));
    }
    assertEquals(wanted, found);
  }

  private static List<Object> append(Path outbox, Golden golden) {
    List<Map<String, Object>> events = golden.appended();
    MutableClock clock = new MutableClock((Long) events.get(0).get("append_time"));
    try (QueueWriter writer = writer(outbox, golden, clock)) {
      return writer.appendAll(events.stream().map(Golden::event).toList()).stream()
          .map(receipt -> (Object) receipt.sequence())
          .toList();
    }
  }

  private static QueueWriter writer(Path outbox, Golden golden, MutableClock clock) {
    return QueueWriter.open(
        WriterOptions.of(new OutboxPaths(outbox))
            .withRollBytes(golden.rollBytes())
            .withMaxBytes(golden.maxBytes())
            .withClock(clock));
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
    if (counters != null) {
      assertEquals(512, counters.size());
    }
    assertEquals(wanted.keySet(), found.keySet());
    for (Map.Entry<String, Golden.Contents> file : wanted.entrySet()) {
      Golden.Contents ours = found.get(file.getKey());
      assertEquals(file.getValue().size(), ours.size(), file.getKey());
      long difference = file.getValue().mismatch(ours);
      assertEquals(
          -1, difference, () -> file.getKey() + " differs at 0x" + Long.toHexString(difference));
    }
  }
}
