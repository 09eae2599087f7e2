package dev.outboxrelay.client.record;

import static dev.outboxrelay.client.record.RecordCodec.FIXED_BYTES;
import static dev.outboxrelay.client.record.RecordCodec.PROLOGUE_BYTES;

import dev.outboxrelay.client.EventHeader;
import dev.outboxrelay.client.EventTooLarge;
import dev.outboxrelay.client.InvalidEvent;
import dev.outboxrelay.client.OutboxEvent;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.UUID;
import java.util.zip.CRC32;

/**
 * Checks an event and builds its record in two steps: {@link #prepare} does all that needs no lock,
 * {@link #complete} adds what only the holder of the writers' lock knows. The result is framed as
 * it goes to disk: a free header word, the record, 8 zero bytes. Reusable; for one thread at a
 * time.
 */
public final class RecordDraft implements Draft {
  private static final int HEADER_WORD_BYTES = 4;
  private static final int FREE = 0; // header word: nothing is published here yet
  private static final int ZEROS_BEHIND = 8;
  private static final int USUAL_BYTES = 8 << 10;

  /** What a draft may keep: a process may have hundreds of writers, each with one for a thread. */
  private static final int MOST_KEPT_BYTES = 64 << 10;

  private static final int LONGEST_NAME = 0xFFFF; // of a header, in its u16

  /**
   * Topic and what follows always stand here; what precedes moves up by the prologue's length when
   * there is none.
   */
  private static final int BODY_AT = HEADER_WORD_BYTES + FIXED_BYTES + PROLOGUE_BYTES;

  private final RecordLimits limits;
  private final CRC32 crc = new CRC32();
  private final byte[] place = new byte[RecordCodec.PLACE_BYTES];
  private boolean crcHoldsBody; // the share that needs no lock, and nothing else
  private final int batchFlags;
  private ByteBuffer buffer;
  private UUID eventId;
  private boolean hasTimestamp;
  private long timestamp;
  private int flags;
  private int partition;
  private int topicBytes;
  private int keyBytes;
  private int headerBytes;
  private int valueBytes;

  public RecordDraft(RecordLimits limits) {
    this.limits = limits;
    batchFlags = 0;
    buffer = allocate(USUAL_BYTES);
  }

  /** One of a batch, and for that alone. */
  RecordDraft(RecordLimits limits, boolean continued, boolean goesOn) {
    this.limits = limits;
    batchFlags = (continued ? RecordCodec.CONTINUED : 0) | (goesOn ? RecordCodec.BATCH : 0);
    buffer = ByteBuffer.allocate(0);
  }

  /** Checks the event and encodes all that needs no lock. */
  public void prepare(OutboxEvent event, UUID id) {
    checkTopic(event.topic());
    List<EventHeader> headers = event.headers();
    if (!limits.anyHeaders() && headers.size() > RecordLimits.MAX_HEADERS) {
      throw new InvalidEvent(
          "the event has "
              + headers.size()
              + " headers, at most "
              + RecordLimits.MAX_HEADERS
              + " are allowed: move the rest into the value");
    }
    if (event.timestamp().orElse(0) < 0) {
      throw new InvalidEvent(
          "the timestamp "
              + event.timestamp().getAsLong()
              + " is before 1970: Kafka takes milliseconds since the epoch, 0 or more");
    }
    if (event.partition().orElse(0) < 0) {
      throw new InvalidEvent(
          "the partition "
              + event.partition().getAsInt()
              + " is negative: Kafka numbers a topic's partitions from 0; leave it out to have one "
              + "chosen");
    }
    eventId = id;
    hasTimestamp = event.timestamp().isPresent();
    timestamp = event.timestamp().orElse(0);
    byte[] key = event.key();
    byte[] value = event.value();
    flags =
        (key == null ? 0 : RecordCodec.HAS_KEY)
            | (value == null ? 0 : RecordCodec.HAS_VALUE)
            | batchFlags
            | (event.partition().isEmpty() ? 0 : RecordCodec.HAS_PARTITION);
    partition = event.partition().orElse(0);
    topicBytes = event.topic().length();
    keyBytes = key == null ? 0 : key.length;
    valueBytes = value == null ? 0 : value.length;
    headerBytes = headers.isEmpty() ? 0 : checkedHeaderBytes(headers);
    reserve(event);

    int at = BODY_AT;
    for (int i = 0; i < topicBytes; i++) {
      buffer.put(at + i, (byte) event.topic().charAt(i));
    }
    at += topicBytes;
    if (key != null) {
      buffer.put(at, key);
      at += keyBytes;
    }
    for (int i = 0; i < headers.size(); i++) {
      at = putHeader(headers.get(i), at);
    }
    if (value != null) {
      buffer.put(at, value);
      at += valueBytes;
    }
    buffer.putInt(at, 0); // the padding, at most 3 bytes
    buffer.putLong((at + 3) & ~3, 0);
    crc.reset();
    RecordCodec.addBody(crc, buffer, BODY_AT, (at + 3) & ~3);
    crcHoldsBody = true;
  }

  /** Whether it is small enough to be kept for the next event. */
  public boolean isToBeKept() {
    return buffer.capacity() <= MOST_KEPT_BYTES;
  }

  @Override
  public int records() {
    return 1;
  }

  @Override
  public int length(int record, boolean withPrologue) {
    return span(withPrologue);
  }

  @Override
  public int span(boolean withPrologue) {
    int body = topicBytes + keyBytes + headerBytes + valueBytes;
    return (FIXED_BYTES + (withPrologue ? PROLOGUE_BYTES : 0) + body + 3) & ~3;
  }

  @Override
  public ByteBuffer complete(
      long sequence, int entry, long appendTime, Prologue prologue, CycleId cycle, long offset) {
    buffer.clear();
    int length = span(prologue != null);
    int frame = prologue == null ? PROLOGUE_BYTES : 0;
    int at = frame + HEADER_WORD_BYTES;
    buffer.putInt(frame, FREE);
    buffer.putInt(at, RecordCodec.MAGIC);
    buffer.put(at + RecordCodec.VERSION_AT, (byte) RecordCodec.VERSION);
    buffer.put(
        at + RecordCodec.FLAGS_AT,
        (byte) (prologue == null ? flags : flags | RecordCodec.HAS_PROLOGUE));
    buffer.putShort(at + RecordCodec.TOPIC_LENGTH_AT, (short) topicBytes);
    buffer.putInt(at + RecordCodec.KEY_LENGTH_AT, keyBytes);
    buffer.putLong(at + RecordCodec.SEQUENCE_AT, sequence);
    buffer.putLong(at + RecordCodec.APPEND_TIME_AT, appendTime);
    buffer.putLong(at + RecordCodec.TIMESTAMP_AT, hasTimestamp ? timestamp : appendTime);
    RecordCodec.putUuid(buffer, at + RecordCodec.EVENT_ID_AT, eventId);
    buffer.putInt(at + RecordCodec.HEADERS_LENGTH_AT, headerBytes);
    buffer.putInt(at + RecordCodec.VALUE_LENGTH_AT, valueBytes);
    buffer.putInt(at + RecordCodec.ENTRY_AT, entry);
    buffer.putInt(at + RecordCodec.PARTITION_AT, partition);
    if (prologue != null) {
      int prologueAt = at + FIXED_BYTES;
      RecordCodec.putUuid(buffer, prologueAt, prologue.outboxId());
      buffer.putInt(prologueAt + 16, prologue.generation());
      buffer.putInt(prologueAt + 20, 0);
      buffer.putLong(prologueAt + 24, prologue.base());
      buffer.putLong(prologueAt + 32, prologue.cycleHour());
    }
    if (prologue != null || !crcHoldsBody) { // or this draft was completed before, elsewhere
      crc.reset();
      RecordCodec.addBody(crc, buffer, at + FIXED_BYTES, at + length);
    }
    crcHoldsBody = false;
    int value = RecordCodec.addRest(crc, buffer, at, place, cycle, offset);
    buffer.clear().putInt(at + RecordCodec.CRC_AT, value);
    return buffer.limit(at + length + ZEROS_BEHIND).position(frame);
  }

  private void checkTopic(String topic) {
    RecordLimits.checkTopicName(topic);
    if (!limits.reservedNames() && RecordLimits.INTERNAL_TOPICS.contains(topic)) {
      throw new InvalidEvent(
          "the topic "
              + RecordLimits.quoted(topic)
              + " is Kafka's own, brokers refuse what others send there: use another topic");
    }
  }

  private int checkedHeaderBytes(List<EventHeader> headers) {
    int least = limits.anyHeaders() ? 0 : 1;
    int most = limits.anyHeaders() ? LONGEST_NAME : RecordLimits.MAX_HEADER_NAME_BYTES;
    long total = 0;
    for (EventHeader header : headers) {
      String name = header.name();
      int length = utf8Length(name);
      if (length < least || length > most) {
        throw new InvalidEvent(
            "the header name "
                + RecordLimits.quoted(name)
                + " has "
                + length
                + " bytes, it must have "
                + least
                + " to "
                + most);
      }
      if (!limits.reservedNames() && name.startsWith(RecordLimits.RESERVED_HEADER_PREFIX)) {
        throw new InvalidEvent(
            "the header name "
                + RecordLimits.quoted(name)
                + " begins with the reserved 'outbox-': rename it");
      }
      total += 6L + length + (header.value() == null ? 0 : header.value().length);
    }
    return (int) Math.min(total, Integer.MAX_VALUE);
  }

  private static int utf8Length(String name) {
    boolean ascii = true;
    for (int i = 0; i < name.length() && ascii; i++) {
      ascii = name.charAt(i) < 0x80;
    }
    if (ascii) {
      return name.length();
    }
    try {
      return StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(name)).remaining();
    } catch (CharacterCodingException e) {
      throw new InvalidEvent(
          "the header name "
              + RecordLimits.quoted(name)
              + " is no valid text (an unpaired surrogate)",
          e);
    }
  }

  /** Makes room for the event, or refuses it. */
  private void reserve(OutboxEvent event) {
    long length =
        (long) FIXED_BYTES + PROLOGUE_BYTES + topicBytes + keyBytes + headerBytes + valueBytes;
    if (length > limits.maxRecordBytes()) {
      throw new EventTooLarge(
          "the event for topic "
              + event.topic()
              + " takes "
              + length
              + " bytes (value "
              + valueBytes
              + ", key "
              + keyBytes
              + ", headers "
              + headerBytes
              + "), at most "
              + limits.maxRecordBytes()
              + " fit: store the payload elsewhere and send a reference");
    }
    int needed = BODY_AT + (int) length + ZEROS_BEHIND + 4;
    if (buffer.capacity() < needed) {
      // Those of a batch are many, and as small as can be.
      boolean isKept = batchFlags == 0 && needed <= MOST_KEPT_BYTES;
      buffer =
          isKept
              ? allocate(Math.max(needed, Math.min(2 * buffer.capacity(), MOST_KEPT_BYTES)))
              : allocateInHeap(needed);
    }
    buffer.clear();
  }

  private int putHeader(EventHeader header, int start) {
    byte[] name = header.name().getBytes(StandardCharsets.UTF_8);
    byte[] value = header.value();
    int at = start;
    buffer.putShort(at, (short) name.length);
    buffer.put(at + 2, name);
    at += 2 + name.length;
    buffer.putInt(at, value == null ? -1 : value.length);
    at += 4;
    if (value != null) {
      buffer.put(at, value);
      at += value.length;
    }
    return at;
  }

  private static ByteBuffer allocateInHeap(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static ByteBuffer allocate(int bytes) {
    return ByteBuffer.allocateDirect(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
