package dev.outboxrelay.client;

/** What has become of an appended event, as far as the relay has recorded it. */
public enum DeliveryOutcome {
  /** Kafka has acknowledged it. */
  DELIVERED,
  /** Its topic is parked: kept by the relay, and retried. */
  PARKED,
  /** Kafka will never accept it: it is in the dead letters with its reason. */
  DEAD,
  /** Its bytes were damaged on disk, or are missing. */
  QUARANTINED,
  /** Not settled yet. */
  PENDING
}
