package dev.outboxrelay.client.record;

import dev.outboxrelay.client.EventHeader;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.zip.CRC32;

/**
 * Reads records: first {@link #check}, which trusts no length before it has added up and allocates
 * nothing, then {@link #decode}. {@link RecordDraft} writes them. Stateless and safe for many
 * threads.
 */
public final class RecordCodec {
  /** The bytes {@code OBXR}. */
  public static final int MAGIC = 0x5258424F;

  public static final int VERSION = 1;
  public static final int HAS_KEY = 1;
  public static final int HAS_VALUE = 2;
  public static final int HAS_PROLOGUE = 4;

  /** Bytes before the prologue or the topic. */
  public static final int FIXED_BYTES = 72;

  public static final int PROLOGUE_BYTES = 40;

  static final int CRC_AT = 4;
  static final int VERSION_AT = 8;
  static final int FLAGS_AT = 9;
  static final int TOPIC_LENGTH_AT = 10;
  static final int KEY_LENGTH_AT = 12;
  static final int SEQUENCE_AT = 16;
  static final int APPEND_TIME_AT = 24;
  static final int TIMESTAMP_AT = 32;
  static final int EVENT_ID_AT = 40;
  static final int HEADERS_LENGTH_AT = 56;
  static final int VALUE_LENGTH_AT = 60;
  static final int ENTRY_AT = 64;
  static final int RESERVED_AT = 68;

  private RecordCodec() {}

  /**
   * Whether the remaining bytes of {@code bytes} are exactly one valid record. Changes nothing of
   * the buffer.
   */
  public static RecordVerdict check(ByteBuffer bytes) {
    ByteBuffer record = bytes.slice().order(ByteOrder.LITTLE_ENDIAN);
    int length = record.remaining();
    if (length < FIXED_BYTES) {
      return RecordVerdict.TOO_SHORT;
    }
    if (record.getInt(0) != MAGIC) {
      return RecordVerdict.BAD_MAGIC;
    }
    if (record.get(VERSION_AT) != VERSION) {
      return RecordVerdict.BAD_VERSION;
    }
    int flags = record.get(FLAGS_AT) & 0xFF;
    if ((flags & ~(HAS_KEY | HAS_VALUE | HAS_PROLOGUE)) != 0) {
      return RecordVerdict.BAD_FLAGS;
    }
    if (!lengthsAddUp(record, flags, length)) {
      return RecordVerdict.BAD_LENGTHS;
    }
    if (crc(record, length) != record.getInt(CRC_AT)) {
      return RecordVerdict.BAD_CRC;
    }
    return readHeaders(record, null) ? RecordVerdict.VALID : RecordVerdict.BAD_HEADERS;
  }

  /**
   * Decodes the remaining bytes, for which {@link #check} has said VALID. Changes nothing of the
   * buffer.
   */
  public static OutboxRecord decode(ByteBuffer bytes) {
    ByteBuffer record = bytes.slice().order(ByteOrder.LITTLE_ENDIAN);
    int flags = record.get(FLAGS_AT);
    int topicAt = topicAt(flags);
    int topicLength = topicLength(record);
    int keyLength = record.getInt(KEY_LENGTH_AT);
    int keyAt = topicAt + topicLength;
    int valueAt = keyAt + keyLength + record.getInt(HEADERS_LENGTH_AT);
    List<EventHeader> headers = List.of();
    if (record.getInt(HEADERS_LENGTH_AT) > 0) {
      List<EventHeader> read = new ArrayList<>();
      readHeaders(record, read);
      headers = List.copyOf(read);
    }
    return new OutboxRecord(
        sequence(record),
        entry(record),
        record.getLong(APPEND_TIME_AT),
        record.getLong(TIMESTAMP_AT),
        uuid(record, EVENT_ID_AT),
        new String(array(record, topicAt, topicLength), StandardCharsets.US_ASCII),
        (flags & HAS_KEY) == 0 ? null : array(record, keyAt, keyLength),
        (flags & HAS_VALUE) == 0 ? null : array(record, valueAt, record.getInt(VALUE_LENGTH_AT)),
        headers,
        prologue(record),
        record.remaining());
  }

  /** The prologue of a valid little-endian record that begins at index 0, or null. */
  static Prologue prologue(ByteBuffer record) {
    if ((record.get(FLAGS_AT) & HAS_PROLOGUE) == 0) {
      return null;
    }
    return new Prologue(
        uuid(record, FIXED_BYTES),
        record.getInt(FIXED_BYTES + 16),
        record.getLong(FIXED_BYTES + 24),
        record.getLong(FIXED_BYTES + 32));
  }

  static long sequence(ByteBuffer record) {
    return record.getLong(SEQUENCE_AT);
  }

  static int entry(ByteBuffer record) {
    return record.getInt(ENTRY_AT);
  }

  /** CRC-32 of the record that begins at index 0: of all that follows the CRC itself. */
  static int crc(ByteBuffer record, int length) {
    CRC32 crc = new CRC32();
    crc.update(record.slice(VERSION_AT, length - VERSION_AT));
    return (int) crc.getValue();
  }

  public static UUID uuid(ByteBuffer littleEndian, int at) {
    return new UUID(
        Long.reverseBytes(littleEndian.getLong(at)),
        Long.reverseBytes(littleEndian.getLong(at + 8)));
  }

  public static void putUuid(ByteBuffer littleEndian, int at, UUID id) {
    littleEndian.putLong(at, Long.reverseBytes(id.getMostSignificantBits()));
    littleEndian.putLong(at + 8, Long.reverseBytes(id.getLeastSignificantBits()));
  }

  private static boolean lengthsAddUp(ByteBuffer record, int flags, int length) {
    int topic = topicLength(record);
    long key = Integer.toUnsignedLong(record.getInt(KEY_LENGTH_AT));
    long headers = Integer.toUnsignedLong(record.getInt(HEADERS_LENGTH_AT));
    long value = Integer.toUnsignedLong(record.getInt(VALUE_LENGTH_AT));
    if (topic < 1
        || topic > RecordLimits.MAX_TOPIC_BYTES
        || (key > 0 && (flags & HAS_KEY) == 0)
        || (value > 0 && (flags & HAS_VALUE) == 0)) {
      return false;
    }
    long padding = length - (topicAt(flags) + topic + key + headers + value);
    return length % 4 == 0 && padding >= 0 && padding <= 3;
  }

  /** Walks the headers section; false if it is not exactly filled by headers. */
  private static boolean readHeaders(ByteBuffer record, List<EventHeader> into) {
    int at = topicAt(record.get(FLAGS_AT)) + topicLength(record) + record.getInt(KEY_LENGTH_AT);
    int end = at + record.getInt(HEADERS_LENGTH_AT);
    while (at < end) {
      if (end - at < 6) {
        return false;
      }
      int nameLength = Short.toUnsignedInt(record.getShort(at));
      if (nameLength > end - at - 6) {
        return false;
      }
      int nameAt = at + 2;
      int valueLength = record.getInt(nameAt + nameLength);
      at = nameAt + nameLength + 4;
      if (valueLength < -1 || valueLength > end - at) {
        return false;
      }
      if (into != null) {
        String name = new String(array(record, nameAt, nameLength), StandardCharsets.UTF_8);
        into.add(new EventHeader(name, valueLength < 0 ? null : array(record, at, valueLength)));
      }
      at += Math.max(valueLength, 0);
    }
    return true;
  }

  private static int topicAt(int flags) {
    return FIXED_BYTES + ((flags & HAS_PROLOGUE) == 0 ? 0 : PROLOGUE_BYTES);
  }

  private static int topicLength(ByteBuffer record) {
    return Short.toUnsignedInt(record.getShort(TOPIC_LENGTH_AT));
  }

  private static byte[] array(ByteBuffer record, int at, int length) {
    byte[] copy = new byte[length];
    record.get(at, copy);
    return copy;
  }
}
