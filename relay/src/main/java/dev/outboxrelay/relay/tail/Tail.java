package dev.outboxrelay.relay.tail;

import dev.outboxrelay.client.cycle.UnreadableBlock;
import dev.outboxrelay.client.disk.Folder;
import dev.outboxrelay.client.disk.SafeFiles;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.relay.fact.Fact;
import dev.outboxrelay.relay.fact.FactListener;
import dev.outboxrelay.relay.fact.Part;
import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
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
  private static final long READ_AGAIN_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final int LOOKS_BEFORE_STUCK = 5;

  private final OutboxPaths paths;
  private final UUID outbox;
  private final FactListener listener;
  private final LongSupplier nanos;
  private final QueueTail queue;

  private Place place = Place.START;
  private CycleProbe probe;
  private Succession succession; // as long as Chronicle reads
  private SalvageTail salvage;
  private boolean entered;

  private long lastLookNanos;
  private long lastListNanos;
  private long nextSearchNanos;
  private long newestCycle = -1;
  private int looksWithoutProgress;
  private boolean unreadable;
  private long readAgainNanos;

  /**
   * Opens a queue whose directory and {@code metadata.cq4t} exist.
   *
   * @param outbox to which it belongs
   */
  public Tail(OutboxPaths paths, UUID outbox, FactListener listener, LongSupplier nanos) {
    this.paths = paths;
    this.outbox = outbox;
    this.listener = listener;
    this.nanos = nanos;
    this.queue = new QueueTail(paths.queue(), outbox);
    this.lastLookNanos = nanos.getAsLong() - LOOK_EVERY_NANOS;
    this.lastListNanos = lastLookNanos - LIST_EVERY_NANOS;
    this.nextSearchNanos = lastLookNanos;
  }

  /** Goes somewhere. */
  public void seek(Place to) {
    leaveCycle();
    place = to;
    looksWithoutProgress = 0;
    lastLookNanos = nanos.getAsLong() - LOOK_EVERY_NANOS;
    lastListNanos = lastLookNanos - LIST_EVERY_NANOS;
  }

  /**
   * The next record or damaged bytes, or null if there is nothing by now. What can't be read, as
   * when no file descriptor is left, is told and tried again.
   */
  public TailedRecord poll() {
    if (unreadable && nanos.getAsLong() - readAgainNanos < 0) {
      return null;
    }
    try {
      TailedRecord next = pollCycle();
      if (unreadable) {
        unreadable = false;
        listener.tell(new Fact.Recovered(Part.READING));
      }
      return next;
    } catch (NoSuchFileException e) {
      // An operator took the cycle away: what of it was not read is missing, and the next one
      // tells.
      leaveCycle();
      return null;
    } catch (IOException e) {
      unreadable = true;
      readAgainNanos = nanos.getAsLong() + READ_AGAIN_NANOS;
      listener.tell(new Fact.Failed(Part.READING, Folder.named(e)));
      seek(place);
      return null;
    }
  }

  private TailedRecord pollCycle() throws IOException {
    try {
      if (!entered && !enter()) {
        return null;
      }
      return salvage == null ? pollQueue() : pollSalvage();
    } catch (InternalError e) {
      // The JVM tells late that a mapping reached beyond its file; salvage maps nothing.
      if (probe == null) {
        throw e;
      }
      if (salvage == null) {
        standStill(e.getMessage());
      } else {
        beginAnew();
      }
      return null;
    } catch (IOException e) {
      if (salvage != null || probe == null || !UnreadableBlock.isCauseOf(e)) {
        throw e;
      }
      standStill(e.getMessage());
      return null;
    }
  }

  private TailedRecord pollQueue() throws IOException {
    switch (probe.at(place.offset())) {
      case ENTRY -> {
        TailedRecord next = queue.poll();
        if (next != null && next.cycle() == place.cycle() && next.offset() == probe.found()) {
          if (!(next instanceof TailedRecord.Intact intact) || succession.allows(intact)) {
            return accept(next);
          }
          standStill("not in order, or not all of its batch is there");
        } else if (queue.broken() != null || next != null) {
          standStill(queue.broken() == null ? "Chronicle reads elsewhere" : queue.broken());
        } else {
          lookAround("Chronicle does not go on");
        }
      }
      case HOSTILE -> standStill("hostile length");
      case EOF -> {
        if (probe.writePosition() >= place.offset()) {
          standStill("end mark before the last record");
        } else if (isTimeToLook() && leaveFor(paths.cycles())) {
          return null;
        }
      }
      default -> waitForMore();
    }
    return null;
  }

  private TailedRecord accept(TailedRecord next) {
    long entry = place.entry() + 1;
    if (next instanceof TailedRecord.Intact intact) {
      entry = Integer.toUnsignedLong(intact.record().entry()) + 1;
    }
    succession.accept(next);
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
    TailedRecord next = salvaged(closed);
    if (next != null) {
      place = salvage.place();
      return next;
    }
    if (salvage.isSearching()) {
      place = salvage.place();
      return null; // it goes on in the next turn
    }
    if (salvage.isFinished()) {
      if (salvage.isEndMissing()) {
        listener.tell(new Fact.EndMissing(place.cycle()));
      }
      leaveFor(paths.cycles());
    } else {
      nextSearchNanos = now + (salvage.isAtEnd() ? LOOK_EVERY_NANOS : SEARCH_EVERY_NANOS);
    }
    return null;
  }

  private TailedRecord salvaged(boolean closed) throws IOException {
    try {
      return salvage.poll(closed);
    } catch (UnreadableBlock e) {
      // What was readable before, the header, is no more: reading goes on without it.
      beginAnew();
      return null;
    }
  }

  private void beginAnew() throws IOException {
    salvage.close();
    salvage = new SalvageTail(paths.cycle(place.cycle()), outbox, place);
  }

  /** Finds the cycle to read, if there is one by now. */
  private boolean enter() throws IOException {
    if (!isTimeToLook()) {
      return false;
    }
    if (probe == null) {
      if (isNowhere()) {
        leaveFor(paths.cycles());
      }
      if (isNowhere()) {
        return false;
      }
      Path file = paths.cycle(place.cycle());
      probe = new CycleProbe(file);
      place = new Place(place.cycle(), Math.max(place.offset(), probe.start()), place.entry());
      succession = new Succession(file, outbox);
      if (probe.isSound() && place.offset() > probe.start()) {
        succession.startAt(place.offset());
      }
    }
    if (!probe.isSound()) {
      standStill("the header can't be parsed");
    } else if (queue.moveTo(place)) {
      entered = true;
      looksWithoutProgress = 0;
    } else if (place.entry() == 0
        && probe.at(place.offset()) == CycleProbe.Finding.FREE
        && newestCycle(nanos.getAsLong()) <= place.cycle()) {
      looksWithoutProgress = 0;
    } else if (++looksWithoutProgress >= LOOKS_BEFORE_STUCK) {
      // Not at once: the first record may have come since Chronicle looked.
      looksWithoutProgress = 0;
      standStill("Chronicle does not find the place");
    }
    return entered;
  }

  /** Not where nothing can be told: what can't be looked at now is to be read later. */
  private boolean isNowhere() throws IOException {
    return place.equals(Place.START) || SafeFiles.attributes(paths.cycle(place.cycle())) == null;
  }

  /** Goes to the oldest cycle behind the present one; false if there is none. */
  private boolean leaveFor(List<Long> cycles) {
    for (long cycle : cycles) {
      if (cycle > place.cycle()) {
        leaveCycle();
        place = new Place(cycle, 0, 0);
        lastLookNanos = nanos.getAsLong() - LOOK_EVERY_NANOS;
        return true;
      }
    }
    return false;
  }

  /** Nothing stands here: tells waiting from a chain that is torn. */
  private void waitForMore() throws IOException {
    long now = nanos.getAsLong();
    boolean closed = newestCycle(now) > place.cycle();
    if (closed || probe.writePosition() >= place.offset()) {
      lookAround(closed ? "no end mark" : "nothing where the writers have been");
    } else {
      looksWithoutProgress = 0;
    }
  }

  /** What can't last: if it does for several looks, reading goes on by salvage. */
  private void lookAround(String reason) throws IOException {
    if (isTimeToLook() && ++looksWithoutProgress >= LOOKS_BEFORE_STUCK) {
      looksWithoutProgress = 0;
      standStill(reason);
    }
  }

  private boolean isTimeToLook() {
    long now = nanos.getAsLong();
    if (now - lastLookNanos < LOOK_EVERY_NANOS) {
      return false;
    }
    lastLookNanos = now;
    return true;
  }

  private void standStill(String reason) throws IOException {
    listener.tell(new Fact.StandingStill(place.cycle(), place.offset(), reason));
    salvage = new SalvageTail(paths.cycle(place.cycle()), outbox, place);
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
        Succession oldSuccession = succession;
        SalvageTail oldSalvage = salvage) {
      probe = null;
      succession = null;
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
