package dev.outboxrelay.relay.copy;

import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.relay.deadletter.LetterCount;
import dev.outboxrelay.relay.sync.CycleSync;
import dev.outboxrelay.relay.tail.Arrival;
import dev.outboxrelay.relay.tail.Arrivals;
import dev.outboxrelay.relay.tail.Bookmark;
import dev.outboxrelay.relay.tail.Place;
import dev.outboxrelay.relay.tail.RecordWalk;
import java.io.Closeable;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * The dead letters as records for their topic, each once it is on stable storage. For one thread.
 */
final class LetterArrivals implements Arrivals, Closeable {
  /** Why a letter that has a number is not there. */
  static final String LOST = "it is lost or damaged";

  private static final int AT_ONCE = 100;
  private static final long BYTES_AT_ONCE = 1 << 20;
  private static final long LOOK_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final OutboxPaths letters;
  private final String topic;
  private final CycleSync sync;
  private final LongSupplier nanos;
  private final Queue<RecordWalk.Found> ready = new ArrayDeque<>();
  private RecordWalk walk;
  private Place place; // where the next one is looked for
  private long last; // number of the one before; 0 if that is not known
  private long lost; // the last number of which there is none; 0 if all are there so far
  private long settledBytes;
  private long nextLookNanos;
  private IOException trouble;

  /**
   * Reads nothing yet.
   *
   * @param letters the outbox {@code dead-letters/}, as it is held
   * @param topic to which they go
   * @param start where the first is; what is before it is on stable storage
   */
  LetterArrivals(OutboxPaths letters, String topic, Bookmark start, Disk disk, LongSupplier nanos) {
    this.letters = letters;
    this.topic = topic;
    this.sync = new CycleSync(letters, start.place().cycle(), disk);
    this.nanos = nanos;
    rewind(start);
  }

  @Override
  public void rewind(Bookmark to) {
    walk = RecordWalk.from(letters, to.place());
    place = to.place();
    last = to.sequence();
    lost = 0;
    settledBytes = to.settledBytes();
    ready.clear();
    nextLookNanos = nanos.getAsLong();
  }

  @Override
  public Arrival poll() {
    if (ready.isEmpty() && nanos.getAsLong() - nextLookNanos >= 0) {
      read();
    }
    RecordWalk.Found found = ready.poll();
    if (found == null && lost > last) {
      return lost();
    }
    return found == null ? null : arrival(found);
  }

  private void read() {
    nextLookNanos = nanos.getAsLong() + LOOK_NANOS;
    RecordWalk before = walk.copy();
    try {
      long added = LetterCount.lastNumber(letters); // what has a number by now is there, or lost
      List<RecordWalk.Found> found = walk.next(AT_ONCE, BYTES_AT_ONCE);
      boolean allRead = walk.isAllRead();
      if (!allRead) {
        found = upToTheFirstGap(found);
        walk = found.isEmpty() ? before : RecordWalk.from(letters, behind(found));
      }
      if (!found.isEmpty()) {
        sync.syncUpTo(found.get(found.size() - 1).cycle());
        found.stream().filter(each -> each.record().sequence() > last).forEach(ready::add);
        nextLookNanos = nanos.getAsLong();
      }
      if (allRead && walk.end().orElse(null) instanceof RecordWalk.End.OfAll) {
        lost = added;
      }
      trouble = allRead ? null : new IOException("dead letters can't be read now: check the disk");
      if (walk.end().orElse(null) instanceof RecordWalk.End.Stopped at) {
        trouble = new IOException(at.why());
      }
    } catch (IOException e) {
      walk = before;
      trouble = e;
    }
  }

  /** What the disk does not give now may be there later: nothing behind it is taken before that. */
  private List<RecordWalk.Found> upToTheFirstGap(List<RecordWalk.Found> found) {
    int count = 0;
    while (last > 0
        && count < found.size()
        && found.get(count).record().sequence() == last + 1 + count) {
      count++;
    }
    return found.subList(0, count);
  }

  private static Place behind(List<RecordWalk.Found> found) {
    RecordWalk.Found end = found.get(found.size() - 1);
    return new Place(end.cycle(), end.end(), end.record().entry() + 1L);
  }

  /** All was read, and what comes later has higher numbers. */
  private Arrival lost() {
    Arrival.Lost numbers = new Arrival.Lost(last + 1, last + 1, lost, place.entry() - 1);
    last = lost;
    return new Arrival.Damage(
        place.cycle(), place.offset(), place.offset(), LOST, numbers, settledBytes);
  }

  private Arrival arrival(RecordWalk.Found found) {
    OutboxRecord letter = found.record();
    long number = letter.sequence();
    long missingFrom = last == 0 ? number : last + 1;
    last = number;
    place = new Place(found.cycle(), found.end(), letter.entry() + 1L);
    settledBytes = found.settledBytes() < 0 ? settledBytes + letter.length() : found.settledBytes();
    Optional<OutboxRecord> record = LetterRecord.of(letter, topic);
    if (record.isEmpty()) {
      Arrival.Lost lost = new Arrival.Lost(missingFrom, number, number, letter.entry());
      return new Arrival.Damage(
          found.cycle(), found.end(), found.end(), "its event is damaged", lost, settledBytes);
    }
    return new Arrival.Event(
        record.get(), found.cycle(), found.end(), found.end(), missingFrom, settledBytes);
  }

  /** Why no more can be read now; null if it can. */
  IOException trouble() {
    return trouble;
  }

  @Override
  public void close() throws IOException {
    sync.close();
  }
}
