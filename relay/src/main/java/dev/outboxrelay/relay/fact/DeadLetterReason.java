package dev.outboxrelay.relay.fact;

import java.util.Arrays;

/** Why Kafka will never take a record. */
public enum DeadLetterReason {
  /** Larger than the producer, the broker or the topic allows. */
  TOO_LARGE("too-large"),
  /**
   * Refused by the broker's or the topic's validation, like a record without key for compaction.
   */
  INVALID_RECORD("invalid-record"),
  /** Its timestamp lies outside of what the topic allows. */
  INVALID_TIMESTAMP("invalid-timestamp"),
  /** Its topic is one that brokers keep for themselves. */
  INTERNAL_TOPIC("internal-topic"),
  /** A dead letter that was sent once more, and did not get through where others do. */
  REPLAY_FAILED("replay-failed");

  private final String label;

  DeadLetterReason(String label) {
    this.label = label;
  }

  /** The one of this name; null if there is none. */
  public static DeadLetterReason of(String label) {
    return Arrays.stream(values())
        .filter(each -> each.label.equals(label))
        .findFirst()
        .orElse(null);
  }

  /** The name in the dead letter's header and in metrics. */
  public String label() {
    return label;
  }
}
