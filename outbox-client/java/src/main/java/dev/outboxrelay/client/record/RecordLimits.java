package dev.outboxrelay.client.record;

import dev.outboxrelay.client.InvalidEvent;
import java.util.Set;

/**
 * What a record may be.
 *
 * @param maxRecordBytes largest record, padding included and the prologue always reckoned with
 * @param reservedNames whether header names may begin with {@code outbox-}, and topics be {@link
 *     #INTERNAL_TOPICS}
 * @param anyHeaders whether headers may be all that readers accept: any number of them, with names
 *     of 0 to 65535 bytes
 */
public record RecordLimits(int maxRecordBytes, boolean reservedNames, boolean anyHeaders) {

  /** What an outbox takes from its callers. */
  public static final RecordLimits EVENTS = new RecordLimits(1 << 20, false, false);

  /** Longest data entry that a reader accepts; anything longer is hostile. */
  public static final int LONGEST_ENTRY = (2 << 20) + (64 << 10);

  /**
   * What the relay's dead letters take. An event always fits, with its key once more and the reason
   * beside it: two records of the largest size, and what is added.
   */
  public static final RecordLimits DEAD_LETTERS = new RecordLimits(LONGEST_ENTRY, true, false);

  /**
   * What a parked topic's outbox takes: whatever stood in the queue, and one more header. Only a
   * record that is longer than ours may not fit with that.
   */
  public static final RecordLimits PARKED = new RecordLimits(LONGEST_ENTRY, true, true);

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

  /** Whether Kafka takes this as a topic's name. It is a safe file name then, too. */
  public static boolean isTopicName(String topic) {
    int length = topic.length();
    boolean valid =
        length >= 1 && length <= MAX_TOPIC_BYTES && !topic.equals(".") && !topic.equals("..");
    for (int i = 0; valid && i < length; i++) {
      char c = topic.charAt(i);
      valid =
          (c >= 'a' && c <= 'z')
              || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9')
              || c == '.'
              || c == '_'
              || c == '-';
    }
    return valid;
  }

  /** Refuses what is no {@link #isTopicName topic's name}. */
  public static void checkTopicName(String topic) {
    if (!isTopicName(topic)) {
      throw new InvalidEvent(
          "the topic "
              + quoted(topic)
              + " is no Kafka topic name: use 1 to 249 characters of a-z, A-Z, 0-9, '.', '_' "
              + "and '-', and neither '.' nor '..'");
    }
  }

  /** Short enough for a message, and in one line. */
  static String quoted(String text) {
    String line = text.replaceAll("\\p{Cntrl}", "?");
    return "'" + (line.length() > 80 ? line.substring(0, 80) + "…" : line) + "'";
  }
}
