package dev.outboxrelay.conformance;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.UUID;
import java.util.zip.CRC32;

/**
 * The fields of one record, decoded from FORMAT.md alone: it shares no code with the client that it
 * checks.
 */
record Excerpt(
    long index,
    long sequence,
    UUID eventId,
    long entry,
    String topic,
    String key,
    String valueHead,
    int length) {

  private static final int FIXED = 72;
  private static final int PROLOGUE = 40;
  private static final int VALUE_HEAD = 64;
  private static final int FLAG_KEY = 1;
  private static final int FLAG_VALUE = 2;
  private static final int FLAG_PROLOGUE = 4;
  private static final int MAGIC = 0x3158424f;

  /**
   * The bytes of one Chronicle excerpt.
   *
   * @param offset of its header word within the cycle file
   */
  @SuppressWarnings("ArrayRecordComponent")
  record Stored(long index, long offset, byte[] bytes) {}

  /**
   * Decodes and checks an excerpt.
   *
   * @param outbox the 16 bytes of the outbox id
   * @throws IllegalStateException if it is no valid record
   */
  static Excerpt decode(byte[] outbox, Stored stored) {
    long index = stored.index();
    byte[] bytes = stored.bytes();
    ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    require(bytes.length >= FIXED && in.getInt(0) == MAGIC, index, "magic");
    require(bytes[8] == 1, index, "version");
    int flags = bytes[9];
    int topicLength = in.getShort(10) & 0xffff;
    int keyLength = in.getInt(12);
    int headersLength = in.getInt(56);
    int valueLength = in.getInt(60);
    int topicAt = FIXED + ((flags & FLAG_PROLOGUE) != 0 ? PROLOGUE : 0);
    long end = (long) topicAt + topicLength + keyLength + headersLength + valueLength;
    require(end <= bytes.length && end > bytes.length - 4, index, "lengths");
    require(crc(outbox, stored) == in.getInt(4), index, "CRC");
    int keyAt = topicAt + topicLength;
    int valueAt = keyAt + keyLength + headersLength;
    in.order(ByteOrder.BIG_ENDIAN);
    UUID eventId = new UUID(in.getLong(40), in.getLong(48));
    in.order(ByteOrder.LITTLE_ENDIAN);
    return new Excerpt(
        index,
        in.getLong(16),
        eventId,
        in.getInt(64) & 0xffff_ffffL,
        new String(bytes, topicAt, topicLength, StandardCharsets.US_ASCII),
        (flags & FLAG_KEY) == 0
            ? null
            : new String(bytes, keyAt, keyLength, StandardCharsets.UTF_8),
        (flags & FLAG_VALUE) == 0
            ? null
            : new String(bytes, valueAt, Math.min(valueLength, VALUE_HEAD), StandardCharsets.UTF_8),
        bytes.length);
  }

  private static int crc(byte[] outbox, Stored stored) {
    byte[] bytes = stored.bytes();
    CRC32 crc = new CRC32();
    crc.update(bytes, FIXED, bytes.length - FIXED);
    crc.update(bytes, 8, FIXED - 8);
    crc.update(outbox);
    ByteBuffer place = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
    crc.update(place.putLong(stored.index() >>> 32).putLong(stored.offset()).array());
    return (int) crc.getValue();
  }

  private static void require(boolean holds, long index, String what) {
    if (!holds) {
      throw new IllegalStateException(
          "the excerpt at index 0x" + Long.toHexString(index) + " is no record: " + what);
    }
  }
}
