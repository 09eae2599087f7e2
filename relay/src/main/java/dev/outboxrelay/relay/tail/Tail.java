package dev.outboxrelay.relay.tail;

import dev.outboxrelay.client.format.CycleLayout;
import dev.outboxrelay.client.format.OutboxPaths;
import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * Everything that the queue holds, in order, from a place on. Reads through {@link QueueTail}, and
 * through {@link SalvageTail} where a cycle is damaged; leaves no cycle before it was read to its
 * end, and passes over none. For one thread.
 */
public final class Tail implements Closeable {
  private static final long LOOK_EVERY_NANOS = TimeUnit.MILLISECONDS.toNanos(10);
  private static final long LIST_EVERY_NANOS = TimeUnit.MILLISECONDS.toNanos(250);
  private static final long SEARCH_EVERY_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final int LOOKS_BEFORE_STUCK = 5;

  private final OutboxPaths paths;
  private final TailListener listener;
  private final LongSupplier nanos;
  private final QueueTail queue;

  private Place place = Place.START;
  private long lastSequence;
  private CycleProbe probe;
  private SalvageTail salvage;
  private boolean entered;

  private long lastLookNanos;
  private long lastListNanos;
  private long nextSearchNanos;
  private long newestCycle = -1;
  private int looksWithoutProgress;

  /** Opens a queue whose directory and {@code metadata.cq4t} exist. */
  public Tail(OutboxPaths paths, TailListener listener, LongSupplier nanos) {
    this.paths = paths;
    this.listener = listener;
    this.nanos = nanos;
    this.queue = new QueueTail(paths.queue());
    this.lastLookNanos = nanos.getAsLong() - LOOK_EVERY_NANOS;
    this.lastListNanos = lastLookNanos - LIST_EVERY_NANOS;
    this.nextSearchNanos = lastLookNanos;
  }

  /**
   * Goes somewhere.
   *
   * @param sequence of the record before the place; 0 = not known
   */
  public void seek(Place to, long sequence) {
    leaveCycle();
    place = to;
    lastSequence = sequence;
    lastLookNanos = nanos.getAsLong() - LOOK_EVERY_NANOS;
    lastListNanos = lastLookNanos - LIST_EVERY_NANOS;
  }

  /** The next record or damaged bytes, or null if there is nothing by now. */
  public TailedRecord poll() {
    try {
      if (!entered && !enter()) {
        return null;
      }
      return salvage == null ? pollQueue() : pollSalvage();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private TailedRecord pollQueue() throws IOException {
    TailedRecord next = queue.poll();
    if (next == null) {
      if (queue.broken() != null) {
        standStill(queue.broken());
        return pollSalvage();
      }
      lookAround();
      return null;
    }
    if (next.cycle() != place.cycle()) {
      if (!mayMoveTo(next.cycle())) {
        standStill("the reader left the cycle before its end");
        return pollSalvage();
      }
      leaveCycle();
      place = new Place(next.cycle(), next.offset(), 0);
      probe = new CycleProbe(paths.cycle(next.cycle()));
      entered = true;
    }
    return accept(next);
  }

  private TailedRecord accept(TailedRecord next) {
    long entry = place.entry() + 1;
    if (next instanceof TailedRecord.Intact intact) {
      entry = intact.record().entry() + 1L;
      lastSequence = intact.record().sequence();
    }
    place = new Place(next.cycle(), next.end(), entry);
    looksWithoutProgress = 0;
    return next;
  }

  private TailedRecord pollSalvage() throws IOException {
    long now = nanos.getAsLong();
    if (now - nextSearchNanos < 0) {
      return null;
    }
    boolean closed = newestCycle(now) > place.cycle();
    TailedRecord next = salvage.poll(closed);
    if (next != null) {
      if (next instanceof TailedRecord.Intact intact) {
        lastSequence = intact.record().sequence();
      }
      place = salvage.place();
      return next;
    }
    if (salvage.isFinished()) {
      leaveFor(paths.cycles());
    } else {
      nextSearchNanos = now + (salvage.isAtEnd() ? LOOK_EVERY_NANOS : SEARCH_EVERY_NANOS);
    }
    return null;
  }

  /** Finds the cycle to read, if there is one by now. */
  private boolean enter() throws IOException {
    long now = nanos.getAsLong();
    if (now - lastLookNanos < LOOK_EVERY_NANOS) {
      return false;
    }
    lastLookNanos = now;
    if (probe == null) {
      if (place.equals(Place.START) || !Files.exists(paths.cycle(place.cycle()))) {
        leaveFor(paths.cycles());
      }
      if (place.equals(Place.START) || !Files.exists(paths.cycle(place.cycle()))) {
        return false;
      }
      probe = new CycleProbe(paths.cycle(place.cycle()));
      place = new Place(place.cycle(), Math.max(place.offset(), probe.start()), place.entry());
    }
    if (!probe.isSound()) {
      standStill("the header can't be parsed");
    } else if (queue.moveTo(place)) {
      entered = true;
    } else if (place.entry() > 0
        || probe.header(place.offset()) != CycleLayout.FREE
        || newestCycle(now) > place.cycle()) {
      standStill("Chronicle does not find the place");
    }
    return entered;
  }

  /** Goes to the oldest cycle behind the present one, if there is one. */
  private void leaveFor(List<Long> cycles) throws IOException {
    for (long cycle : cycles) {
      if (cycle > place.cycle()) {
        leaveCycle();
        place = new Place(cycle, 0, 0);
        return;
      }
    }
  }

  /** Nothing came: tells waiting from being stuck. */
  private void lookAround() throws IOException {
    long now = nanos.getAsLong();
    if (now - lastLookNanos < LOOK_EVERY_NANOS) {
      return;
    }
    lastLookNanos = now;
    int header = probe.header(place.offset());
    boolean free = CycleLayout.isFree(header);
    boolean closed = newestCycle(now) > place.cycle();
    boolean waiting = free && probe.writePosition() <= place.offset() && !closed;
    if (waiting || (header == CycleLayout.EOF && !closed)) {
      looksWithoutProgress = 0;
    } else if (++looksWithoutProgress >= LOOKS_BEFORE_STUCK) {
      looksWithoutProgress = 0;
      if (free && closed) {
        listener.endMissing(place.cycle());
      }
      standStill(free ? "nothing where the writers are past" : "Chronicle does not go on");
    }
  }

  /** A cycle is left at its end mark only, and to the next one that exists. */
  private boolean mayMoveTo(long cycle) throws IOException {
    if (probe.header(place.offset()) != CycleLayout.EOF) {
      return false;
    }
    for (long each : paths.cycles()) {
      if (each > place.cycle()) {
        return each == cycle;
      }
    }
    return true;
  }

  private void standStill(String reason) throws IOException {
    listener.standingStill(place.cycle(), place.offset(), reason);
    salvage = new SalvageTail(paths.cycle(place.cycle()), place, lastSequence);
    nextSearchNanos = nanos.getAsLong();
    entered = true;
  }

  private long newestCycle(long now) throws IOException {
    if (now - lastListNanos >= LIST_EVERY_NANOS) {
      lastListNanos = now;
      List<Long> cycles = paths.cycles();
      newestCycle = cycles.isEmpty() ? -1 : cycles.get(cycles.size() - 1);
    }
    return newestCycle;
  }

  private void leaveCycle() {
    entered = false;
    try (CycleProbe oldProbe = probe;
        SalvageTail oldSalvage = salvage) {
      probe = null;
      salvage = null;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    leaveCycle();
    queue.close();
  }
}
