package dev.outboxrelay.relay.config;

/** What consumers are promised. */
public enum DeliveryMode {
  /** Every event at least once; duplicates carry the same event id. */
  AT_LEAST_ONCE
}
