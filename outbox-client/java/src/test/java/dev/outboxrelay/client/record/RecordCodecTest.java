package dev.outboxrelay.client.record;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outboxrelay.client.EventHeader;
import dev.outboxrelay.client.EventTooLarge;
import dev.outboxrelay.client.InvalidEvent;
import dev.outboxrelay.client.OutboxEvent;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class RecordCodecTest {
  private static final UUID ID = UUID.fromString("01890a5d-ac96-774b-bcce-b302099a8057");
  private static final CycleId CYCLE = new CycleId(UUID.randomUUID(), 490_896);
  private static final long OFFSET = 65_808;
  private static final Prologue PROLOGUE = new Prologue(CYCLE.outbox(), 3, 4_711, 490_896);

  static Stream<OutboxEvent> events() {
    return Stream.of(
        OutboxEvent.of("t", "v"),
        OutboxEvent.of("t", (byte[]) null),
        OutboxEvent.of("t", new byte[0]),
        OutboxEvent.builder("t").key(new byte[0]).value("x").build(),
        OutboxEvent.builder("t".repeat(249)).key("ключ").value(new byte[100_000]).build(),
        OutboxEvent.builder("t")
            .header("a", "1")
            .header("a", (String) null)
            .header("ü", "")
            .build(),
        OutboxEvent.builder("t").header("h".repeat(255), new byte[3]).timestamp(0).build(),
        OutboxEvent.builder("t").partition(0).value("x").build(),
        OutboxEvent.builder("t").partition(Integer.MAX_VALUE).build(),
        OutboxEvent.builder("topic.with-all_CHARS.0").value("abc").timestamp(7).build());
  }

  @ParameterizedTest
  @MethodSource("events")
  void a_record_comes_back_as_it_was_written(OutboxEvent event) {
    for (Prologue prologue : new Prologue[] {null, PROLOGUE}) {
      ByteBuffer record = encode(event, prologue);
      assertEquals(RecordVerdict.VALID, check(record));
      OutboxRecord decoded = RecordCodec.decode(record);
      assertEquals(
          new OutboxRecord(
              42,
              prologue == null ? 7 : 0,
              1_000,
              event.timestamp().orElse(1_000),
              ID,
              event.topic(),
              event.key(),
              event.value(),
              event.headers(),
              event.partition().isEmpty() ? null : event.partition().getAsInt(),
              false,
              false,
              prologue,
              record.remaining()),
          decoded);
      assertEquals(0, record.remaining() % 4);
    }
  }

  @Test
  void a_draft_that_was_used_before_leaves_nothing_behind() {
    RecordDraft draft = new RecordDraft(RecordLimits.EVENTS);
    draft.prepare(OutboxEvent.of("t", "x".repeat(500)), ID);
    draft.complete(1, 0, 1, PROLOGUE, CYCLE, OFFSET);
    OutboxEvent small = OutboxEvent.of("t", "12345");
    draft.prepare(small, ID);
    ByteBuffer reused = draft.complete(42, 7, 1_000, null, CYCLE, OFFSET);
    ByteBuffer fresh = encode(small, null);
    assertEquals(fresh, reused.slice(reused.position() + 4, fresh.remaining()));
    ByteBuffer behind = reused.slice(reused.position() + 4 + fresh.remaining(), 8);
    assertEquals(ByteBuffer.allocate(8), behind);
    assertEquals(reused.limit(), reused.position() + 4 + fresh.remaining() + 8);
  }

  @Test
  void every_flipped_bit_is_found() {
    ByteBuffer record =
        encode(OutboxEvent.builder("t").key("k").value("v").header("h", "x").build(), PROLOGUE);
    for (int bit = 0; bit < 8 * record.limit(); bit++) {
      ByteBuffer damaged = copy(record);
      damaged.put(bit / 8, (byte) (damaged.get(bit / 8) ^ (1 << bit % 8)));
      assertNotEquals(RecordVerdict.VALID, check(damaged), "bit " + bit);
    }
  }

  static Stream<Arguments> hostileLengths() {
    List<Integer> values = List.of(-1, Integer.MIN_VALUE, Integer.MAX_VALUE, 1 << 20, 5, 1000);
    return Stream.of(12, 56, 60).flatMap(at -> values.stream().map(v -> Arguments.of(at, v)));
  }

  @ParameterizedTest
  @MethodSource("hostileLengths")
  void a_length_that_does_not_add_up_is_refused_before_it_is_used(int at, int value) {
    ByteBuffer record = encode(OutboxEvent.builder("t").key("k").value("v").build(), null);
    record.putInt(at, value);
    assertEquals(RecordVerdict.BAD_FIELDS, check(sign(record)));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 250, 65_535})
  void a_topic_length_outside_of_1_to_249_is_refused(int length) {
    ByteBuffer record = encode(OutboxEvent.of("t", new byte[70_000]), null);
    record.putShort(10, (short) length);
    assertEquals(RecordVerdict.BAD_FIELDS, check(sign(record)));
  }

  @Test
  void lengths_of_parts_that_the_flags_deny_are_refused() {
    ByteBuffer record = encode(OutboxEvent.builder("t").key("key1").value("v").build(), null);
    record.put(9, (byte) RecordCodec.HAS_VALUE);
    assertEquals(RecordVerdict.BAD_FIELDS, check(sign(record)));
  }

  @Test
  void headers_that_do_not_fill_their_section_are_refused() {
    OutboxEvent event = OutboxEvent.builder("t").header("name", "value").build();
    for (int value : new int[] {-2, 4, 6, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
      ByteBuffer record = encode(event, null);
      record.putInt(73 + 2 + 4, value);
      assertEquals(RecordVerdict.BAD_FIELDS, check(sign(record)), "" + value);
    }
    for (int name : new int[] {3, 5, 65_535}) {
      ByteBuffer record = encode(event, null);
      record.putShort(73, (short) name);
      assertEquals(RecordVerdict.BAD_FIELDS, check(sign(record)), "" + name);
    }
  }

  @Test
  void a_record_is_bound_to_its_place() {
    for (Prologue prologue : new Prologue[] {null, PROLOGUE}) {
      ByteBuffer record = encode(OutboxEvent.of("t", "v"), prologue);
      CycleId otherOutbox = new CycleId(UUID.randomUUID(), CYCLE.number());
      CycleId otherCycle = new CycleId(CYCLE.outbox(), CYCLE.number() + 1);
      assertEquals(RecordVerdict.BAD_CRC, RecordCodec.check(record, otherOutbox, OFFSET));
      assertEquals(RecordVerdict.BAD_CRC, RecordCodec.check(record, otherCycle, OFFSET));
      assertEquals(RecordVerdict.BAD_CRC, RecordCodec.check(record, CYCLE, OFFSET + 4));
      assertEquals(RecordVerdict.VALID, RecordCodec.checkCopy(record));
    }
  }

  @Test
  void the_crc_covers_body_then_head_then_place() {
    ByteBuffer record = encode(OutboxEvent.of("t", "v"), null);
    ByteBuffer covered =
        ByteBuffer.allocate(record.limit() - 8 + 32)
            .order(ByteOrder.LITTLE_ENDIAN)
            .put(record.slice(72, record.limit() - 72))
            .put(record.slice(8, 64));
    int at = covered.position();
    RecordCodec.putUuid(covered, at, CYCLE.outbox());
    covered.putLong(at + 16, CYCLE.number()).putLong(at + 24, OFFSET);
    CRC32 crc = new CRC32();
    crc.update(covered.clear());
    assertEquals((int) crc.getValue(), record.getInt(4));
  }

  @Test
  void a_draft_that_is_completed_again_elsewhere_is_bound_to_that_place() {
    RecordDraft draft = new RecordDraft(RecordLimits.EVENTS);
    draft.prepare(OutboxEvent.builder("t").key("k").value("v").build(), ID);
    draft.complete(1, 1, 1, null, CYCLE, OFFSET);
    CycleId next = new CycleId(CYCLE.outbox(), CYCLE.number() + 1);
    for (Prologue prologue : new Prologue[] {PROLOGUE, null}) {
      ByteBuffer frame =
          draft.complete(2, prologue == null ? 1 : 0, 1, prologue, next, OFFSET + 400);
      ByteBuffer record = frame.slice(frame.position() + 4, draft.span(prologue != null));
      assertEquals(RecordVerdict.VALID, RecordCodec.check(record, next, OFFSET + 400));
    }
  }

  @Test
  void a_prologue_vouches_for_its_outbox() {
    ByteBuffer record = encode(OutboxEvent.of("t", "v"), PROLOGUE);
    assertEquals(CYCLE.outbox(), RecordCodec.claimedOutbox(record));
    assertNull(RecordCodec.claimedOutbox(encode(OutboxEvent.of("t", new byte[100]), null)));
    assertNull(RecordCodec.claimedOutbox(ByteBuffer.allocate(200)));
  }

  @Test
  void what_other_versions_wrote_is_told_apart_from_damage() {
    OutboxEvent event = OutboxEvent.of("t", "v");
    assertEquals(RecordVerdict.BAD_MAGIC, check(sign(encode(event, null).putInt(0, 1))));
    assertEquals(RecordVerdict.FORMER_FORMAT, check(encode(event, null).put(3, (byte) 'R')));
    assertEquals(RecordVerdict.LATER_VERSION, check(sign(encode(event, null).put(8, (byte) 2))));
    assertEquals(
        RecordVerdict.LATER_VERSION, check(sign(encode(event, null).put(9, (byte) (64 | 2)))));
    // Without its CRC nothing says that it is not damage.
    assertEquals(RecordVerdict.BAD_CRC, check(encode(event, null).put(8, (byte) 2)));
    assertEquals(RecordVerdict.BAD_LENGTHS, check(encode(event, null).put(12, (byte) 9)));
  }

  @Test
  void a_length_that_is_no_records_is_refused_first() {
    assertEquals(RecordVerdict.BAD_LENGTH, check(ByteBuffer.allocate(68)));
    assertEquals(RecordVerdict.BAD_LENGTH, check(ByteBuffer.allocate(74)));
    assertEquals(RecordVerdict.BAD_LENGTH, check(ByteBuffer.allocate((2 << 20) + (64 << 10) + 4)));
    assertEquals(RecordVerdict.BAD_MAGIC, check(ByteBuffer.allocate(72)));
    assertEquals(RecordVerdict.BAD_MAGIC, check(ByteBuffer.allocate((2 << 20) + (64 << 10))));
  }

  @Test
  void fields_that_contradict_each_other_are_refused() {
    OutboxEvent event = OutboxEvent.of("t", "v");
    for (long sequence : new long[] {0, -1, Long.MIN_VALUE}) {
      ByteBuffer record = encode(event, null).putLong(16, sequence);
      assertEquals(RecordVerdict.BAD_FIELDS, check(sign(record)), "sequence " + sequence);
    }
    ByteBuffer first = encode(event, null).putInt(64, 0);
    assertEquals(RecordVerdict.BAD_FIELDS, check(sign(first)), "entry 0 without a prologue");
    ByteBuffer later = encode(event, PROLOGUE).putInt(64, 1);
    assertEquals(RecordVerdict.BAD_FIELDS, check(sign(later)), "a prologue in entry 1");
    ByteBuffer denied = encode(event, null).putInt(68, 1);
    assertEquals(RecordVerdict.BAD_FIELDS, check(sign(denied)), "a partition without its flag");
    ByteBuffer negative =
        encode(OutboxEvent.builder("t").partition(1).build(), null).putInt(68, -1);
    assertEquals(RecordVerdict.BAD_FIELDS, check(sign(negative)), "a partition of 2^32 - 1");
  }

  @Test
  void the_flags_of_a_batch_are_read() {
    ByteBuffer record = encode(OutboxEvent.of("t", "v"), null);
    record.put(9, (byte) (RecordCodec.HAS_VALUE | RecordCodec.BATCH | RecordCodec.CONTINUED));
    assertEquals(RecordVerdict.VALID, check(sign(record)));
    assertTrue(RecordCodec.decode(record).batch());
    assertTrue(RecordCodec.decode(record).continued());
  }

  @Test
  void a_negative_partition_is_refused() {
    OutboxEvent event = OutboxEvent.builder("t").partition(-1).build();
    assertThrows(InvalidEvent.class, () -> encode(event, null));
  }

  @Test
  void random_bytes_are_never_a_record_and_never_an_exception() {
    Random random = new Random(7);
    for (int i = 0; i < 20_000; i++) {
      byte[] bytes = new byte[random.nextInt(300)];
      random.nextBytes(bytes);
      ByteBuffer record = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
      if (bytes.length >= 12) {
        record.putInt(0, RecordCodec.MAGIC).put(8, (byte) 1).put(9, (byte) random.nextInt(8));
        record.putShort(10, (short) (1 + random.nextInt(20)));
      }
      assertNotEquals(RecordVerdict.VALID, check(record));
    }
  }

  @Test
  void the_largest_event_fits_to_the_byte() {
    int room = (1 << 20) - 72 - 40 - 5;
    assertEquals(1 << 20, encode(OutboxEvent.of("topic", new byte[room]), PROLOGUE).remaining());
    EventTooLarge error =
        assertThrows(
            EventTooLarge.class, () -> encode(OutboxEvent.of("topic", new byte[room + 1]), null));
    assertTrue(error.getMessage().contains("1048577"), error.getMessage());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", ".", "..", "a b", "ä", "a/b", "a\n"})
  void names_that_Kafka_does_not_take_as_topics_are_refused(String topic) {
    assertThrows(InvalidEvent.class, () -> encode(OutboxEvent.of(topic, "v"), null));
  }

  @Test
  void a_topic_of_250_characters_is_refused() {
    assertThrows(InvalidEvent.class, () -> encode(OutboxEvent.of("t".repeat(250), "v"), null));
  }

  @ParameterizedTest
  @ValueSource(strings = {"__consumer_offsets", "__transaction_state"})
  void topics_that_brokers_let_nobody_else_write_are_refused_with_the_way_out(String topic) {
    InvalidEvent error =
        assertThrows(InvalidEvent.class, () -> encode(OutboxEvent.of(topic, "v"), null));
    assertTrue(error.getMessage().contains("use another topic"), error.getMessage());
    encode(OutboxEvent.of(topic + "2", "v"), null);
  }

  @Test
  void dead_letters_take_events_for_any_topic() {
    RecordDraft draft = new RecordDraft(RecordLimits.DEAD_LETTERS);
    draft.prepare(OutboxEvent.of("__consumer_offsets", "v"), ID);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "outbox-event-id", "\ud800"})
  void header_names_that_are_empty_reserved_or_no_text_are_refused(String name) {
    OutboxEvent event = OutboxEvent.builder("t").header(name, "v").build();
    assertThrows(InvalidEvent.class, () -> encode(event, null));
  }

  @Test
  void header_names_are_measured_in_bytes_of_UTF_8() {
    encode(OutboxEvent.builder("t").header("ü".repeat(127), "v").build(), null);
    OutboxEvent longer = OutboxEvent.builder("t").header("ü".repeat(128), "v").build();
    assertThrows(InvalidEvent.class, () -> encode(longer, null));
  }

  @Test
  void a_timestamp_before_1970_is_refused() {
    OutboxEvent event = OutboxEvent.builder("t").timestamp(-1).build();
    assertThrows(InvalidEvent.class, () -> encode(event, null));
  }

  @Test
  void more_than_128_headers_are_refused() {
    EventHeader header = EventHeader.of("h", "v");
    encode(
        OutboxEvent.builder("t").headers(java.util.Collections.nCopies(128, header)).build(), null);
    OutboxEvent more =
        OutboxEvent.builder("t").headers(java.util.Collections.nCopies(129, header)).build();
    assertThrows(InvalidEvent.class, () -> encode(more, null));
  }

  @Test
  void dead_letters_take_larger_records_and_reserved_names() {
    RecordDraft draft = new RecordDraft(RecordLimits.DEAD_LETTERS);
    OutboxEvent event =
        OutboxEvent.builder("t").header("outbox-reason", "x").value(new byte[1 << 20]).build();
    draft.prepare(event, ID);
    ByteBuffer frame = draft.complete(1, 1, 1, null, CYCLE, OFFSET);
    ByteBuffer record = frame.slice(frame.position() + 4, draft.span(false));
    assertEquals(RecordVerdict.VALID, check(record));
  }

  @Test
  void parked_records_take_any_headers_that_readers_accept() {
    RecordDraft draft = new RecordDraft(RecordLimits.PARKED);
    OutboxEvent event =
        OutboxEvent.builder("t")
            .headers(java.util.Collections.nCopies(1000, EventHeader.of("", "v")))
            .header("n".repeat(0xFFFF), "v")
            .header("outbox-source", "v")
            .build();
    draft.prepare(event, ID);
    ByteBuffer frame = draft.complete(1, 1, 1, null, CYCLE, OFFSET);
    ByteBuffer record = frame.slice(frame.position() + 4, draft.span(false));
    assertEquals(RecordVerdict.VALID, check(record));
    assertEquals(event.headers(), RecordCodec.decode(record).headers());
    OutboxEvent longer = OutboxEvent.builder("t").header("n".repeat(0x10000), "v").build();
    assertThrows(InvalidEvent.class, () -> draft.prepare(longer, ID));
  }

  @Test
  void text_with_an_unpaired_surrogate_is_refused_where_it_is_given() {
    assertThrows(InvalidEvent.class, () -> EventHeader.of("h", "\ud800"));
    assertThrows(InvalidEvent.class, () -> OutboxEvent.of("t", "\ud800"));
    assertThrows(InvalidEvent.class, () -> OutboxEvent.builder("t").key("\udc00"));
  }

  private static ByteBuffer encode(OutboxEvent event, Prologue prologue) {
    RecordDraft draft = new RecordDraft(RecordLimits.EVENTS);
    draft.prepare(event, ID);
    ByteBuffer frame = draft.complete(42, prologue == null ? 7 : 0, 1_000, prologue, CYCLE, OFFSET);
    int length = draft.span(prologue != null);
    return copy(frame.slice(frame.position() + 4, length));
  }

  private static ByteBuffer copy(ByteBuffer bytes) {
    return ByteBuffer.allocate(bytes.remaining())
        .order(ByteOrder.LITTLE_ENDIAN)
        .put(bytes.duplicate())
        .flip();
  }

  /** Gives damaged bytes a CRC that is right. */
  private static ByteBuffer sign(ByteBuffer record) {
    CRC32 crc = new CRC32();
    int length = record.limit();
    RecordCodec.addBody(crc, record, 72, length);
    int value = RecordCodec.addRest(crc, record, 0, new byte[32], CYCLE, OFFSET);
    return record.position(0).limit(length).putInt(4, value);
  }

  private static RecordVerdict check(ByteBuffer record) {
    return RecordCodec.check(record, CYCLE, OFFSET);
  }
}
