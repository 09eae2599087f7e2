package dev.outboxrelay.client.writing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outboxrelay.client.EventTooLarge;
import dev.outboxrelay.client.InvalidEvent;
import dev.outboxrelay.client.Outbox;
import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.OutboxFull;
import dev.outboxrelay.client.Receipt;
import dev.outboxrelay.client.cycle.CycleLayout;
import dev.outboxrelay.client.files.CycleFacts;
import dev.outboxrelay.client.files.FailureCounters;
import dev.outboxrelay.client.files.FailureCounters.Reason;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.record.OutboxRecord;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.UUID;
import java.util.stream.LongStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AppendAllTest {
  private static final OutboxEvent EVENT = OutboxEvent.of("t", "x");

  @TempDir Path parent;
  private OutboxPaths paths;

  @BeforeEach
  void name() {
    paths = new OutboxPaths(parent.resolve("outbox"));
  }

  @Test
  void the_receipts_are_those_of_the_events_in_their_order() {
    UUID id = UUID.randomUUID();
    OutboxEvent named = OutboxEvent.builder("t").value("y").eventId(id).build();
    try (Outbox outbox = Outbox.open(paths.root())) {
      List<Receipt> one = outbox.appendAll(List.of(named));
      assertEquals(id, one.get(0).eventId());
      List<Receipt> more = outbox.appendAll(List.of(EVENT, named, named)); // twice is no error
      assertEquals(List.of(2L, 3L, 4L), more.stream().map(Receipt::sequence).toList());
      assertEquals(id, more.get(2).eventId());
      assertEquals(4, outbox.status().lagEvents());
    }
  }

  @Test
  void an_empty_list_touches_nothing() throws IOException {
    Outbox outbox = Outbox.open(paths.root());
    outbox.close();
    assertEquals(List.of(), outbox.appendAll(List.of()), "not even to find it closed");
    assertEquals(List.of(), paths.cycles());
  }

  @Test
  void a_null_is_named_by_its_index() {
    try (Outbox outbox = Outbox.open(paths.root())) {
      List<OutboxEvent> events = Arrays.asList(EVENT, null, EVENT);
      NullPointerException refused =
          assertThrows(NullPointerException.class, () -> outbox.appendAll(events));
      assertTrue(refused.getMessage().contains("events[1]"), refused.getMessage());
      assertEquals(1, outbox.append(EVENT).sequence());
    }
  }

  @Test
  void one_that_is_refused_is_named_and_none_is_appended() throws IOException {
    List<OutboxEvent> events = new ArrayList<>(Collections.nCopies(100, EVENT));
    try (Outbox outbox = Outbox.open(paths.root())) {
      events.set(2, OutboxEvent.of("t", new byte[1 << 20]));
      EventTooLarge large = assertThrows(EventTooLarge.class, () -> outbox.appendAll(events));
      assertTrue(large.getMessage().startsWith("event 3 of 100: "), large.getMessage());
      events.set(2, OutboxEvent.of("no topic", "x"));
      InvalidEvent invalid = assertThrows(InvalidEvent.class, () -> outbox.appendAll(events));
      assertTrue(invalid.getMessage().startsWith("event 3 of 100: "), invalid.getMessage());
      assertEquals(1, outbox.append(EVENT).sequence());
    }
    assertEquals(1L, FailureCounters.read(paths.failures()).get(Reason.TOO_LARGE));
    assertEquals(1L, FailureCounters.read(paths.failures()).get(Reason.INVALID));
  }

  @Test
  void the_cap_takes_all_or_none() throws IOException {
    try (Outbox outbox = Outbox.builder().path(paths.root()).maxBytes(10_000).open()) {
      assertThrows(OutboxFull.class, () -> outbox.appendAll(Collections.nCopies(200, EVENT)));
      assertEquals(List.of(), paths.cycles());
      assertEquals(100, outbox.appendAll(Collections.nCopies(100, EVENT)).size());
    }
    assertEquals(1L, FailureCounters.read(paths.failures()).get(Reason.FULL));
  }

  /** Over zeros that were written ahead, the file's growth, the index and the next cycle. */
  @Test
  void a_batch_goes_wherever_single_ones_do() throws IOException {
    long rollBytes = 90 << 20;
    WriterOptions options =
        WriterOptions.of(paths).withClock(new MutableClock(0)).withRollBytes(rollBytes);
    List<String> expected = new ArrayList<>();
    try (QueueWriter writer = QueueWriter.open(options)) {
      for (int i = 0; i < 100; i++) { // from 65 on it writes zeros ahead
        append(writer, expected, 1, 1_000);
      }
      append(writer, expected, 700, 1_000); // more than those, and two indexed entries
      append(writer, expected, 3, 1_000);
      while (paths.cycles().size() == 1) {
        append(writer, expected, 600, 13_000);
      }
      append(writer, expected, 2, 1_000);
    }
    assertEquals(List.of(0L, 1L), paths.cycles());
    List<OutboxRecord> records = ReadBack.all(paths.root());
    assertEquals(expected, records.stream().map(AppendAllTest::key).toList());
    assertEquals(
        LongStream.rangeClosed(1, expected.size()).boxed().toList(),
        records.stream().map(OutboxRecord::sequence).toList());
    assertEquals(List.of(), ReadBack.problems(paths.root()));
    assertEquals(602, ReadBack.cycle(paths, 1).size(), "a batch is not parted");
    UUID outbox = OutboxIdentity.outboxOf(paths);
    assertTrue(CycleFacts.read(paths.cycle(0), outbox).sealed());
    long size = Files.size(paths.cycle(0));
    assertTrue(size > CycleLayout.NEW_FILE_BYTES, "it has grown");
    indexedEntries(0, expected.size() - 602);
  }

  private static void append(QueueWriter writer, List<String> expected, int count, int bytes) {
    List<OutboxEvent> events = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      String key = "k" + expected.size();
      expected.add(key);
      events.add(OutboxEvent.builder("t").key(key).value(new byte[bytes]).build());
    }
    assertEquals(expected.size(), writer.appendAll(events).get(count - 1).sequence());
  }

  /** Every 256th entry is noted where its header word stands. */
  private void indexedEntries(long cycle, int entries) throws IOException {
    ByteBuffer file =
        ByteBuffer.wrap(Files.readAllBytes(paths.cycle(cycle))).order(ByteOrder.LITTLE_ENDIAN);
    int noted = 0;
    for (int slot = 0; slot < 4096; slot++) {
      int offset = (int) file.getLong(0x8110 + 8 * slot);
      if (offset != 0) {
        assertEquals(256 * slot, file.getInt(offset + 4 + 64), "the record's own number");
        noted++;
      }
    }
    assertEquals((entries + 255) / 256, noted);
  }

  private static String key(OutboxRecord record) {
    return new String(record.key(), StandardCharsets.US_ASCII);
  }
}
