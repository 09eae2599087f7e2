package dev.outboxrelay.relay.tail;

import java.util.UUID;

/**
 * Where to go on reading.
 *
 * @param place where the next record stands
 * @param sequence of the record before it; 0 = not known, so that no gap can be told
 * @param eventId of that record; null if it is not known
 * @param settledBytes bytes of records up to there, over the outbox's life
 */
public record Bookmark(Place place, long sequence, UUID eventId, long settledBytes) {
  /** Before everything that the queue holds. */
  public static final Bookmark START = new Bookmark(Place.START, 0, null, 0);
}
