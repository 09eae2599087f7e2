package dev.outboxrelay.relay.fact;

/** Why events are not kept any more that were not delivered. */
public enum Discard {
  /** An operator discarded dead letters. */
  DEAD_LETTER("dead-letter"),
  /** There were more dead letters than are to be kept. */
  LIMIT("limit"),
  /** An operator discarded what was parked of a topic. */
  PARKED("parked");

  private final String label;

  Discard(String label) {
    this.label = label;
  }

  /** A stable name for metrics and logs. */
  public String label() {
    return label;
  }
}
