package dev.outboxrelay.relay.deliver;

import dev.outboxrelay.relay.tail.Bookmark;
import dev.outboxrelay.relay.tail.Place;
import java.util.UUID;

/**
 * Everything up to this record is settled: delivered, dead-lettered or quarantined.
 *
 * @param sequence of the record, or of one before it if that was higher
 * @param eventId of the record; {@link InFlight#NO_EVENT_ID} if it could not be read
 * @param next the place behind it
 * @param settledBytes bytes of records up to there, over the outbox's life
 */
public record Settled(long sequence, UUID eventId, Place next, long settledBytes) {

  /** Where reading goes on. */
  public Bookmark bookmark() {
    return new Bookmark(
        next, sequence, eventId.equals(InFlight.NO_EVENT_ID) ? null : eventId, settledBytes);
  }
}
