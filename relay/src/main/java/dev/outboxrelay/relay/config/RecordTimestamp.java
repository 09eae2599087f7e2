package dev.outboxrelay.relay.config;

/** Where the timestamp of a Kafka record comes from. */
public enum RecordTimestamp {
  /** The event's own: its time of append, or the one that the caller gave. */
  APPEND,
  /** The time of sending, for topics whose retention would expire an old event at once. */
  SEND
}
