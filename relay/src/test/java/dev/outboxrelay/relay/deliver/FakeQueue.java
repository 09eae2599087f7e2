package dev.outboxrelay.relay.deliver;

import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.relay.tail.Arrival;
import dev.outboxrelay.relay.tail.Arrivals;
import dev.outboxrelay.relay.tail.Bookmark;
import dev.outboxrelay.relay.tail.Place;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/** A queue in memory: one cycle, each record 100 bytes long. */
final class FakeQueue implements Arrivals {
  static final int BYTES = 100;
  static final long CYCLE = 7;

  private final List<Arrival> arrivals = new ArrayList<>();
  private long nextSequence = 1;
  private int next;

  long append(String topic) {
    return append(topic, null, false);
  }

  /** What was given up before, in a parked topic's outbox; of a partition, or null. */
  long appendReplay(String topic, Integer partition) {
    return append(topic, partition, true);
  }

  private long append(String topic, Integer partition, boolean replay) {
    long sequence = nextSequence++;
    OutboxRecord record =
        new OutboxRecord(
            sequence,
            arrivals.size(),
            1_000_000,
            1_000_000,
            new UUID(0, sequence),
            topic,
            null,
            new byte[0],
            List.of(),
            partition,
            false,
            false,
            null,
            BYTES);
    arrivals.add(
        new Arrival.Event(record, CYCLE, start(), end(), firstMissing(), end(), null, replay));
    return sequence;
  }

  /**
   * A record that can't be read; returns the sequence that it is taken for: the first behind the
   * record before it.
   */
  long appendDamaged() {
    nextSequence++;
    long sequence = firstMissing();
    arrivals.add(
        new Arrival.Damage(
            CYCLE,
            start(),
            end(),
            "damaged",
            new Arrival.Lost(sequence, sequence, sequence, arrivals.size()),
            end()));
    return sequence;
  }

  /** A batch of which not all is there: so many of its records are. */
  void appendPartOfABatch(int records) {
    nextSequence += records;
    long last = firstMissing() + records - 1;
    Arrival.Lost lost = new Arrival.Lost(firstMissing(), firstMissing(), last, arrivals.size());
    arrivals.add(new Arrival.Damage(CYCLE, start(), end(), "incomplete-batch", lost, end()));
  }

  /** What another version wrote; nothing comes behind it. */
  void appendOtherFormat() {
    arrivals.add(new Arrival.OtherFormat(CYCLE, start(), "a record of a later version: upgrade"));
  }

  /** A sequence that no record carries. */
  long skipSequence() {
    return nextSequence++;
  }

  private long firstMissing() {
    if (arrivals.isEmpty()) {
      return 1;
    }
    Arrival last = arrivals.get(arrivals.size() - 1);
    return 1
        + (last instanceof Arrival.Event event
            ? event.record().sequence()
            : ((Arrival.Damage) last).lost().last());
  }

  private long start() {
    return (long) arrivals.size() * BYTES;
  }

  private long end() {
    return start() + BYTES;
  }

  long lastSequence() {
    return nextSequence - 1;
  }

  @Override
  public Arrival poll() {
    return next < arrivals.size() ? arrivals.get(next++) : null;
  }

  @Override
  public void rewind(Bookmark to) {
    next = to.place().equals(Place.START) ? 0 : (int) (to.place().offset() / BYTES);
  }
}
