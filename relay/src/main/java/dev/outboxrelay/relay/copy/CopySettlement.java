package dev.outboxrelay.relay.copy;

import dev.outboxrelay.relay.deliver.InFlight;
import dev.outboxrelay.relay.deliver.Settled;
import dev.outboxrelay.relay.deliver.Settlement;
import dev.outboxrelay.relay.fact.Fact;
import dev.outboxrelay.relay.fact.FactListener;
import dev.outboxrelay.relay.fact.Verdict;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;

/**
 * Settles copies. What can't be copied is told and passed over: its letter is safe, and never
 * becomes another one. For one thread.
 */
final class CopySettlement implements Settlement, FactListener {
  private final CopyNews news;
  private final Map<Long, Refused> refused = new HashMap<>();
  private Settled settled;
  private long copied;

  private record Refused(UUID eventId, String error) {}

  /** Nothing is copied yet. */
  CopySettlement(Settled start, CopyNews news) {
    this.settled = start;
    this.news = news;
  }

  @Override
  public void deadLetter(InFlight record, Verdict.DeadLetter verdict) {
    refused.put(record.sequence(), new Refused(record.eventId(), verdict.error()));
    record.done();
  }

  @Override
  public void quarantine(InFlight damage, String reason) {
    refused.put(damage.sequence(), new Refused(damage.eventId(), reason));
    damage.done();
  }

  /** Told here and not before: until it is settled, it may be refused again. */
  @Override
  public void undelivered(long firstSequence, long lastSequence, InFlight.Outcome outcome) {
    Refused letter = refused.remove(lastSequence);
    if (letter != null && letter.error().equals(LetterArrivals.LOST)) {
      news.tell(new Fact.LettersNotKept(firstSequence, lastSequence));
    } else if (letter != null) {
      news.tell(new Fact.LetterNotCopied(lastSequence, letter.eventId(), letter.error()));
    }
  }

  @Override
  public void settled(Settled upTo) {
    settled = upTo;
  }

  @Override
  public void tell(Fact fact) {
    if (fact instanceof Fact.Delivered) {
      copied++;
    } else if (fact instanceof Fact.Missing gone) {
      news.tell(new Fact.LettersNotKept(gone.first(), gone.last()));
    }
  }

  /** Up to where all are copied, or passed over. */
  Settled settled() {
    return settled;
  }

  /** How many were copied since this was asked last. */
  long takeCopied() {
    long count = copied;
    copied = 0;
    return count;
  }

  @Override
  public void park(InFlight record) {
    throw new IllegalStateException("a copy is never parked");
  }

  @Override
  public void ofSource(long sequence, InFlight.Outcome outcome) {}

  @Override
  public void cluster(String id) {} // the outbox's own delivery sees to that
}
