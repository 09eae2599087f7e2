package dev.outboxrelay.client.record;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class RecordCodecTest {
  private static final UUID ID = UUID.fromString("01890a5d-ac96-774b-bcce-b302099a8057");
  private static final Prologue PROLOGUE = new Prologue(UUID.randomUUID(), 3, 4_711, 490_896);

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
        OutboxEvent.builder("topic.with-all_CHARS.0").value("abc").timestamp(7).build());
  }

  @ParameterizedTest
  @MethodSource("events")
  void a_record_comes_back_as_it_was_written(OutboxEvent event) {
    for (Prologue prologue : new Prologue[] {null, PROLOGUE}) {
      ByteBuffer record = encode(event, prologue);
      assertEquals(RecordVerdict.VALID, RecordCodec.check(record));
      OutboxRecord decoded = RecordCodec.decode(record);
      assertEquals(
          new OutboxRecord(
              42,
              7,
              1_000,
              event.timestamp().orElse(1_000),
              ID,
              event.topic(),
              event.key(),
              event.value(),
              event.headers(),
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
    draft.complete(1, 0, 1, PROLOGUE);
    OutboxEvent small = OutboxEvent.of("t", "12345");
    draft.prepare(small, ID);
    ByteBuffer reused = draft.complete(42, 7, 1_000, null);
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
      assertNotEquals(RecordVerdict.VALID, RecordCodec.check(damaged), "bit " + bit);
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
    assertEquals(RecordVerdict.BAD_LENGTHS, RecordCodec.check(sign(record)));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 250, 65_535})
  void a_topic_length_outside_of_1_to_249_is_refused(int length) {
    ByteBuffer record = encode(OutboxEvent.of("t", new byte[70_000]), null);
    record.putShort(10, (short) length);
    assertEquals(RecordVerdict.BAD_LENGTHS, RecordCodec.check(sign(record)));
  }

  @Test
  void lengths_of_parts_that_the_flags_deny_are_refused() {
    ByteBuffer record = encode(OutboxEvent.builder("t").key("key1").value("v").build(), null);
    record.put(9, (byte) RecordCodec.HAS_VALUE);
    assertEquals(RecordVerdict.BAD_LENGTHS, RecordCodec.check(sign(record)));
  }

  @Test
  void headers_that_do_not_fill_their_section_are_refused() {
    OutboxEvent event = OutboxEvent.builder("t").header("name", "value").build();
    for (int value : new int[] {-2, 4, 6, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
      ByteBuffer record = encode(event, null);
      record.putInt(73 + 2 + 4, value);
      assertEquals(RecordVerdict.BAD_HEADERS, RecordCodec.check(sign(record)), "" + value);
    }
    for (int name : new int[] {3, 5, 65_535}) {
      ByteBuffer record = encode(event, null);
      record.putShort(73, (short) name);
      assertEquals(RecordVerdict.BAD_HEADERS, RecordCodec.check(sign(record)), "" + name);
    }
  }

  @Test
  void other_magic_versions_and_flags_are_told_apart() {
    OutboxEvent event = OutboxEvent.of("t", "v");
    assertEquals(
        RecordVerdict.BAD_MAGIC, RecordCodec.check(sign(encode(event, null).putInt(0, 1))));
    assertEquals(
        RecordVerdict.BAD_VERSION, RecordCodec.check(sign(encode(event, null).put(8, (byte) 2))));
    assertEquals(
        RecordVerdict.BAD_FLAGS, RecordCodec.check(sign(encode(event, null).put(9, (byte) 10))));
    assertEquals(RecordVerdict.TOO_SHORT, RecordCodec.check(ByteBuffer.allocate(71)));
    assertEquals(RecordVerdict.BAD_MAGIC, RecordCodec.check(ByteBuffer.allocate(72)));
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
      assertNotEquals(RecordVerdict.VALID, RecordCodec.check(record));
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
    ByteBuffer frame = draft.complete(1, 1, 1, null);
    ByteBuffer record = frame.slice(frame.position() + 4, draft.length(false));
    assertEquals(RecordVerdict.VALID, RecordCodec.check(record));
  }

  @Test
  void text_with_an_unpaired_surrogate_is_refused_where_it_is_given() {
    assertThrows(InvalidEvent.class, () -> OutboxEvent.of("t", "\ud800"));
    assertThrows(InvalidEvent.class, () -> OutboxEvent.builder("t").key("\udc00"));
  }

  private static ByteBuffer encode(OutboxEvent event, Prologue prologue) {
    RecordDraft draft = new RecordDraft(RecordLimits.EVENTS);
    draft.prepare(event, ID);
    ByteBuffer frame = draft.complete(42, 7, 1_000, prologue);
    int length = draft.length(prologue != null);
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
    return record.putInt(4, RecordCodec.crc(record, record.limit()));
  }
}
