package dev.outboxrelay.relay.deliver;

import dev.outboxrelay.client.cycle.CycleEntry;
import dev.outboxrelay.relay.tail.Arrival;
import dev.outboxrelay.relay.tail.Bookmark;
import dev.outboxrelay.relay.tail.Source;
import java.util.ArrayDeque;

/** Records in flight for the tests of other packages. */
public final class InFlights {
  private InFlights() {}

  /** Damaged bytes of a cycle file. */
  public static InFlight damage(long cycle, long offset, long end) {
    return new InFlight(
        new Arrival.Damage(cycle, offset, end, "hole", new Arrival.Lost(0, 0, 0, -1), 0),
        new ArrayDeque<>());
  }

  /** A record of a cycle file. */
  public static InFlight event(long cycle, CycleEntry.Valid found) {
    return event(cycle, found, null);
  }

  /** A parked one. */
  public static InFlight event(long cycle, CycleEntry.Valid found, Source source) {
    long sequence = found.record().sequence();
    return new InFlight(
        new Arrival.Event(
            found.record(),
            cycle,
            found.offset(),
            found.next(),
            sequence,
            found.next(),
            source,
            source != null && source.isReplay()),
        new ArrayDeque<>());
  }

  /** An event of the topic "a" with sequence 1, sent just now. */
  public static InFlight event() {
    FakeQueue queue = new FakeQueue();
    var unused = queue.append("a");
    queue.rewind(Bookmark.START);
    return new InFlight((Arrival.Event) queue.poll(), new ArrayDeque<>());
  }
}
