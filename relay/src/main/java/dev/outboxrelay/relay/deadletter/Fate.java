package dev.outboxrelay.relay.deadletter;

import dev.outboxrelay.client.DeliveryOutcome;

/** What was done of a dead letter. */
public enum Fate {
  /** Its event was moved to a topic's lane, to be sent once more. */
  REPLAYED("replayed", DeliveryOutcome.PARKED),
  /** It was given up for good. */
  DISCARDED("discarded", DeliveryOutcome.DEAD);

  private final String label;
  private final DeliveryOutcome code;

  Fate(String label, DeliveryOutcome code) {
    this.label = label;
    this.code = code;
  }

  /** A stable name. */
  public String label() {
    return label;
  }

  /** As {@code dead-letters/relay.outcomes} tells it. */
  DeliveryOutcome code() {
    return code;
  }

  static Fate of(DeliveryOutcome code) {
    return code == DeliveryOutcome.PARKED ? REPLAYED : DISCARDED;
  }
}
