package dev.outboxrelay.client;

/**
 * What has become of an appended event, as far as the relay has recorded it. {@link #DELIVERED} and
 * {@link #QUARANTINED} are final; the others may change, and whoever asks again gets the answer of
 * that moment.
 */
public enum DeliveryOutcome {
  /** Kafka has acknowledged it. Final. */
  DELIVERED,
  /**
   * Kept by the relay until its topic can be written, or to be sent once more. Becomes {@link
   * #DELIVERED} or {@link #DEAD}.
   */
  PARKED,
  /**
   * Kafka would not accept it: it is in the dead letters with its reason. Stays so, unless an
   * operator replays it: then it is {@link #PARKED} again. Also what an operator gave up while it
   * was parked: that stays so.
   */
  DEAD,
  /** Its bytes were damaged on disk, or are missing. Final. */
  QUARANTINED,
  /** Not settled yet. */
  PENDING
}
