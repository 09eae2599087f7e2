package dev.outboxrelay.client.record;

import java.util.Set;

/**
 * What a record may be.
 *
 * @param maxRecordBytes largest record, padding included and the prologue always reckoned with
 * @param reservedNames whether header names may begin with {@code outbox-}, and topics be {@link
 *     #INTERNAL_TOPICS}
 */
public record RecordLimits(int maxRecordBytes, boolean reservedNames) {

  /** What an outbox takes from its callers. */
  public static final RecordLimits EVENTS = new RecordLimits(1 << 20, false);

  /** Longest data entry that a reader accepts; anything longer is hostile. */
  public static final int LONGEST_ENTRY = (2 << 20) + (64 << 10);

  /**
   * What the relay's dead letters take. An event always fits, with its key once more and the reason
   * beside it: two records of the largest size, and what is added.
   */
  public static final RecordLimits DEAD_LETTERS = new RecordLimits(LONGEST_ENTRY, true);

  public static final int MAX_BATCH_RECORDS = 10_000;
  public static final int MAX_BATCH_BYTES = 8 << 20;
  public static final int MAX_TOPIC_BYTES = 249;

  /** Kafka's own: brokers refuse what others send there. */
  public static final Set<String> INTERNAL_TOPICS =
      Set.of(
          "__consumer_offsets", "__transaction_state", "__share_group_state", "__cluster_metadata");

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
