package dev.outboxrelay.relay.settle;

/**
 * What the outbox of a parked topic holds.
 *
 * @param appendedSequence of the last event in it, 0 if there never was one
 * @param orderedSequence of the last one that stands in its topic's order: what was given up before
 *     and is sent once more does not
 * @param settledSequence of the last one that its own saved position covers
 * @param heldBytes size of the records behind that
 */
public record ParkedTopic(
    long appendedSequence, long orderedSequence, long settledSequence, long heldBytes) {
  /** Nothing was ever parked. */
  public static final ParkedTopic EMPTY = new ParkedTopic(0, 0, 0, 0);

  /** All of them stand in its topic's order. */
  public ParkedTopic(long appendedSequence, long settledSequence, long heldBytes) {
    this(appendedSequence, appendedSequence, settledSequence, heldBytes);
  }

  /** With events that are staged for it, and all stand in its order. */
  public ParkedTopic plus(long events, long bytes) {
    return new ParkedTopic(
        appendedSequence + events, appendedSequence + events, settledSequence, heldBytes + bytes);
  }

  /** How many events wait. */
  public long heldEvents() {
    return Math.max(0, appendedSequence - settledSequence);
  }

  /** Whether any of them stands in its topic's order, so that later ones wait for it. */
  public boolean keepsOrder() {
    return orderedSequence > settledSequence;
  }

  public boolean isEmpty() {
    return heldEvents() == 0;
  }
}
