package dev.outboxrelay.client.record;

import dev.outboxrelay.client.EventHeader;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.zip.CRC32;

/**
 * Reads records: first {@link #check}, which trusts no length before it has added up, then {@link
 * #decode}. {@link RecordDraft} writes them. Stateless and safe for many threads.
 */
public final class RecordCodec {
  /** The bytes {@code OBX1}. */
  public static final int MAGIC = 0x3158424F;

  /** The bytes {@code OBXR}, of the format before the first release. */
  private static final int FORMER_MAGIC = 0x5258424F;

  public static final int VERSION = 1;
  public static final int HAS_KEY = 1;
  public static final int HAS_VALUE = 2;
  public static final int HAS_PROLOGUE = 4;
  public static final int HAS_PARTITION = 8;

  /** The batch goes on in the next record. */
  public static final int BATCH = 16;

  /** The batch began in a record before. */
  public static final int CONTINUED = 32;

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
  static final int PARTITION_AT = 68;

  private static final int KNOWN_FLAGS =
      HAS_KEY | HAS_VALUE | HAS_PROLOGUE | HAS_PARTITION | BATCH | CONTINUED;
  static final int PLACE_BYTES = 32;

  private static final VarHandle LITTLE_ENDIAN =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  private RecordCodec() {}

  /**
   * Whether the remaining bytes of {@code bytes} are exactly one valid record. Changes nothing of
   * the buffer.
   *
   * @param cycle in which they stand
   * @param offset of their header word in it
   */
  public static RecordVerdict check(ByteBuffer bytes, CycleId cycle, long offset) {
    ByteBuffer record = bytes.slice().order(ByteOrder.LITTLE_ENDIAN);
    RecordVerdict verdict = checkFrame(record);
    if (verdict.isValid() && !crcHolds(record, cycle, offset)) {
      boolean oneRecord = lengthsAddUp(record, record.limit());
      return oneRecord ? RecordVerdict.BAD_CRC : RecordVerdict.BAD_LENGTHS;
    }
    return verdict.isValid() ? checkFields(record) : verdict;
  }

  /**
   * The same of a copy that stands elsewhere, so that its CRC tells nothing: only where something
   * else vouches for the bytes.
   */
  public static RecordVerdict checkCopy(ByteBuffer bytes) {
    ByteBuffer record = bytes.slice().order(ByteOrder.LITTLE_ENDIAN);
    RecordVerdict verdict = checkFrame(record);
    return verdict.isValid() ? checkFields(record) : verdict;
  }

  /**
   * The outbox id in the prologue of what may be a record, or null if it has none. It vouches for
   * itself: if it is not the outbox's, the CRC does not hold with it either.
   */
  public static UUID claimedOutbox(ByteBuffer bytes) {
    ByteBuffer record = bytes.slice().order(ByteOrder.LITTLE_ENDIAN);
    boolean claims =
        record.limit() >= FIXED_BYTES + PROLOGUE_BYTES
            && checkFrame(record).isValid()
            && (record.get(FLAGS_AT) & HAS_PROLOGUE) != 0;
    return claims ? uuid(record, FIXED_BYTES) : null;
  }

  private static RecordVerdict checkFrame(ByteBuffer record) {
    int length = record.limit();
    if (!isLength(length)) {
      return RecordVerdict.BAD_LENGTH;
    }
    return switch (record.getInt(0)) {
      case MAGIC -> RecordVerdict.VALID;
      case FORMER_MAGIC -> RecordVerdict.FORMER_FORMAT;
      default -> RecordVerdict.BAD_MAGIC;
    };
  }

  /** Whether a record may have this length. */
  public static boolean isLength(int length) {
    return length >= FIXED_BYTES && length <= RecordLimits.LONGEST_ENTRY && length % 4 == 0;
  }

  private static boolean crcHolds(ByteBuffer record, CycleId cycle, long offset) {
    CRC32 crc = new CRC32();
    addBody(crc, record, FIXED_BYTES, record.limit());
    byte[] place = new byte[PLACE_BYTES];
    boolean holds = addRest(crc, record, 0, place, cycle, offset) == record.getInt(CRC_AT);
    record.clear();
    return holds;
  }

  private static RecordVerdict checkFields(ByteBuffer record) {
    int flags = record.get(FLAGS_AT) & 0xFF;
    if (record.get(VERSION_AT) != VERSION || (flags & ~KNOWN_FLAGS) != 0) {
      return RecordVerdict.LATER_VERSION;
    }
    int partition = record.getInt(PARTITION_AT);
    boolean good =
        lengthsAddUp(record, record.limit())
            && partition >= 0
            && (partition == 0 || (flags & HAS_PARTITION) != 0)
            && (entry(record) == 0) == ((flags & HAS_PROLOGUE) != 0)
            && sequence(record) >= 1
            && readHeaders(record, null);
    return good ? RecordVerdict.VALID : RecordVerdict.BAD_FIELDS;
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
        (flags & HAS_PARTITION) == 0 ? null : (Integer) record.getInt(PARTITION_AT),
        (flags & BATCH) != 0,
        (flags & CONTINUED) != 0,
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

  /**
   * Adds what of a record's CRC comes first, and can be told without the lock: the bytes from 72
   * on. Moves position and limit, as slices would be garbage of every append.
   */
  static void addBody(CRC32 crc, ByteBuffer buffer, int from, int to) {
    crc.update(buffer.limit(to).position(from));
  }

  /**
   * Adds what comes behind it, and gives the CRC.
   *
   * @param place 32 bytes that are overwritten
   */
  static int addRest(
      CRC32 crc, ByteBuffer buffer, int recordAt, byte[] place, CycleId cycle, long offset) {
    crc.update(buffer.limit(recordAt + FIXED_BYTES).position(recordAt + VERSION_AT));
    putLong(place, 0, Long.reverseBytes(cycle.outbox().getMostSignificantBits()));
    putLong(place, 8, Long.reverseBytes(cycle.outbox().getLeastSignificantBits()));
    putLong(place, 16, cycle.number());
    putLong(place, 24, offset);
    crc.update(place, 0, PLACE_BYTES);
    return (int) crc.getValue();
  }

  private static void putLong(byte[] bytes, int at, long value) {
    LITTLE_ENDIAN.set(bytes, at, value);
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

  private static boolean lengthsAddUp(ByteBuffer record, int length) {
    int flags = record.get(FLAGS_AT);
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
    return padding >= 0 && padding <= 3;
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
