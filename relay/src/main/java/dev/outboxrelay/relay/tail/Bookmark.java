package dev.outboxrelay.relay.tail;

/**
 * Where to go on reading.
 *
 * @param place where the next record stands
 * @param sequence of the record before it; 0 = not known, so that no gap can be told
 * @param settledBytes bytes of records up to there, over the outbox's life
 */
public record Bookmark(Place place, long sequence, long settledBytes) {
  /** Before everything that the queue holds. */
  public static final Bookmark START = new Bookmark(Place.START, 0, 0);
}
