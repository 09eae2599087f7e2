package dev.outboxrelay.relay.fact;

/** What became of the copy of a dead letter that was to be made. */
public enum CopyResult {
  COPIED("copied"),
  /** Kafka never takes it, or its event is damaged; the letter stays where it is. */
  REFUSED("refused"),
  /** The letter was deleted, lost or damaged before it could be copied. */
  NOT_KEPT("not-kept");

  private final String label;

  CopyResult(String label) {
    this.label = label;
  }

  /** A stable name. */
  public String label() {
    return label;
  }
}
