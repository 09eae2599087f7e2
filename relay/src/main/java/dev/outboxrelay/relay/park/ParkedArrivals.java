package dev.outboxrelay.relay.park;

import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.relay.tail.Arrival;
import dev.outboxrelay.relay.tail.Arrivals;
import dev.outboxrelay.relay.tail.Bookmark;
import dev.outboxrelay.relay.tail.Source;

/**
 * Makes of parked records the events that they were: without the header that tells their source,
 * and with the append time of the original. Sequence, place and length stay those of the parked
 * topic's outbox; what tells no source stays as it is. Of an event of another outbox, that was here
 * before, nobody asks what became of it, nor of one that the main queue has lost. For one thread.
 */
public final class ParkedArrivals implements Arrivals {
  private final Arrivals parked;
  private final OutboxIdentity main;
  private final Lost lost;

  /** Tells which events are not in the main queue any more. */
  @FunctionalInterface
  public interface Lost {
    /** Whether the event with this sequence here, and that one there, is not. */
    boolean isLost(long sequence, long original);
  }

  /**
   * Over what a parked topic's outbox holds.
   *
   * @param main the outbox that is told what becomes of its events
   * @param lost those of which it is not told
   */
  public ParkedArrivals(Arrivals parked, OutboxIdentity main, Lost lost) {
    this.parked = parked;
    this.main = main;
    this.lost = lost;
  }

  @Override
  public Arrival poll() {
    Arrival next = parked.poll();
    if (next instanceof Arrival.Event event) {
      Source source = Source.of(event.record());
      return source == null ? event : original(event, source);
    }
    return next;
  }

  private Arrival.Event original(Arrival.Event event, Source source) {
    OutboxRecord parked = event.record();
    OutboxRecord original =
        new OutboxRecord(
            parked.sequence(),
            parked.entry(),
            source.appendMillis(),
            parked.timestamp(),
            parked.eventId(),
            parked.topic(),
            parked.key(),
            parked.value(),
            parked.headers().subList(0, parked.headers().size() - 1),
            parked.partition(),
            parked.batch(),
            parked.continued(),
            parked.prologue(),
            parked.length());
    return new Arrival.Event(
        original,
        event.cycle(),
        event.offset(),
        event.end(),
        event.missingFrom(),
        event.settledBytes(),
        isTold(parked, source) ? source : null,
        source.isReplay());
  }

  private boolean isTold(OutboxRecord parked, Source source) {
    return source.isOf(main) && !lost.isLost(parked.sequence(), source.sequence());
  }

  @Override
  public void rewind(Bookmark to) {
    parked.rewind(to);
  }
}
