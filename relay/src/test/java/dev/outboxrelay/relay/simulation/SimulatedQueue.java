package dev.outboxrelay.relay.simulation;

import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.relay.deliver.Settled;
import dev.outboxrelay.relay.tail.Arrival;
import dev.outboxrelay.relay.tail.Arrivals;
import dev.outboxrelay.relay.tail.Bookmark;
import dev.outboxrelay.relay.tail.Place;
import dev.outboxrelay.relay.tail.Source;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.UUID;

/** A queue in memory, in cycles, of which a power cut takes what was not synced. */
final class SimulatedQueue {
  static final int BYTES = 100;

  private final List<Arrival> arrivals = new ArrayList<>();
  private long nextSequence = 1;
  private long cycle = 1;
  private long offset;
  private int entry;

  /** So many arrivals are on stable storage. */
  private int synced;

  /**
   * Appends an event.
   *
   * @param number tells it from all others, whatever its sequence
   * @param source null, or which event of the main queue it is
   */
  Arrival.Event append(long number, String topic, int key, Source source) {
    long sequence = nextSequence++;
    OutboxRecord record =
        new OutboxRecord(
            sequence,
            entry,
            1_000_000,
            1_000_000,
            new UUID(0, number),
            topic,
            key < 0 ? null : new byte[] {(byte) key},
            new byte[0],
            source == null ? List.of() : List.of(source.header()),
            null,
            false,
            false,
            null,
            BYTES);
    Arrival.Event event =
        new Arrival.Event(record, cycle, offset, offset + BYTES, firstMissing(), bytes() + BYTES);
    add(event);
    return event;
  }

  /** Appends what can't be read; returns the sequence for which it is taken. */
  long appendDamaged() {
    nextSequence++;
    long sequence = firstMissing();
    add(
        new Arrival.Damage(
            cycle,
            offset,
            offset + BYTES,
            "damaged",
            new Arrival.Lost(sequence, sequence, sequence, entry),
            bytes() + BYTES));
    return sequence;
  }

  /** A sequence that no record carries. */
  void skipSequence() {
    nextSequence++;
  }

  private void add(Arrival arrival) {
    arrivals.add(arrival);
    offset += BYTES;
    entry++;
  }

  /** Writers go on in the next cycle. */
  void roll() {
    cycle++;
    offset = 0;
    entry = 0;
  }

  private long firstMissing() {
    return lastSequence() + 1;
  }

  private long bytes() {
    return (long) arrivals.size() * BYTES;
  }

  long cycle() {
    return cycle;
  }

  /** The sequence of the last one; 0 if there is none. */
  long lastSequence() {
    return arrivals.isEmpty() ? 0 : sequenceOf(arrivals.get(arrivals.size() - 1));
  }

  static long sequenceOf(Arrival arrival) {
    return arrival instanceof Arrival.Event event
        ? event.record().sequence()
        : ((Arrival.Damage) arrival).lost().last();
  }

  /** The event with a sequence; null if that is damaged or not there. */
  Arrival.Event event(long sequence) {
    for (int i = arrivals.size() - 1; i >= 0; i--) {
      if (sequenceOf(arrivals.get(i)) == sequence) {
        return arrivals.get(i) instanceof Arrival.Event event ? event : null;
      }
    }
    return null;
  }

  /** All that there is, in order. */
  List<Arrival> all() {
    return arrivals;
  }

  /** Those that a power cut spares. */
  List<Arrival> durable() {
    return arrivals.subList(0, synced);
  }

  /** All up to the end of a cycle is on stable storage. */
  void sync(long upToCycle) {
    while (synced < arrivals.size() && arrivals.get(synced).cycle() <= upToCycle) {
      synced++;
    }
  }

  /** The disk keeps some of what was not synced, without a gap; writers go on behind it. */
  List<Arrival> losePower(Random random) {
    int kept = synced + random.nextInt(arrivals.size() - synced + 1);
    List<Arrival> lost = List.copyOf(arrivals.subList(kept, arrivals.size()));
    arrivals.subList(kept, arrivals.size()).clear();
    synced = arrivals.size();
    nextSequence = lastSequence() + 1;
    roll(); // what is behind the last record is not looked at again
    return lost;
  }

  /** Reads from there on; null for the beginning. */
  Arrivals reader(Settled from) {
    Reader reader = new Reader();
    reader.rewind(from == null ? Bookmark.START : from.bookmark());
    return reader;
  }

  private final class Reader implements Arrivals {
    private int next;

    @Override
    public Arrival poll() {
      return next < arrivals.size() ? arrivals.get(next++) : null;
    }

    @Override
    public void rewind(Bookmark to) {
      Place place = to.place();
      next = 0;
      while (next < arrivals.size() && isBefore(arrivals.get(next), place)) {
        next++;
      }
    }

    private boolean isBefore(Arrival arrival, Place place) {
      return arrival.cycle() < place.cycle()
          || (arrival.cycle() == place.cycle() && arrival.offset() < place.offset());
    }
  }
}
