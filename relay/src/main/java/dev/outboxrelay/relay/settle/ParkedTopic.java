package dev.outboxrelay.relay.settle;

/**
 * What the outbox of a parked topic holds.
 *
 * @param appendedSequence of the last event in it, 0 if there never was one
 * @param settledSequence of the last one that its own saved position covers
 * @param heldBytes size of the records behind that
 */
public record ParkedTopic(long appendedSequence, long settledSequence, long heldBytes) {
  /** Nothing was ever parked. */
  public static final ParkedTopic EMPTY = new ParkedTopic(0, 0, 0);

  /** How many events wait. */
  public long heldEvents() {
    return Math.max(0, appendedSequence - settledSequence);
  }

  public boolean isEmpty() {
    return heldEvents() == 0;
  }
}
