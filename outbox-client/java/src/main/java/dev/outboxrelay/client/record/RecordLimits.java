package dev.outboxrelay.client.record;

/**
 * What a record may be.
 *
 * @param maxRecordBytes largest record, padding included and the prologue always reckoned with
 * @param reservedHeaderNames whether header names may begin with {@code outbox-}
 */
public record RecordLimits(int maxRecordBytes, boolean reservedHeaderNames) {

  /** What an outbox takes from its callers. */
  public static final RecordLimits EVENTS = new RecordLimits(1 << 20, false);

  /** What the relay's dead letters take: an event with the reason beside it must always fit. */
  public static final RecordLimits DEAD_LETTERS = new RecordLimits(2 << 20, true);

  /** Longest data entry that a reader accepts; anything longer is hostile. */
  public static final int LONGEST_ENTRY = (2 << 20) + (64 << 10);

  public static final int MAX_BATCH_RECORDS = 10_000;
  public static final int MAX_BATCH_BYTES = 8 << 20;
  public static final int MAX_TOPIC_BYTES = 249;
  public static final int MAX_HEADERS = 128;
  public static final int MAX_HEADER_NAME_BYTES = 255;
  public static final String RESERVED_HEADER_PREFIX = "outbox-";

  public RecordLimits {
    if (maxRecordBytes < RecordCodec.FIXED_BYTES + RecordCodec.PROLOGUE_BYTES + 4
        || maxRecordBytes > RecordLimits.LONGEST_ENTRY) {
      throw new IllegalArgumentException("maxRecordBytes is " + maxRecordBytes);
    }
  }
}
