package dev.outboxrelay.relay.sync;

import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.client.cycle.CycleScanner;
import dev.outboxrelay.client.disk.DiskStep;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutboxState;
import dev.outboxrelay.client.files.StateFile;
import dev.outboxrelay.client.writing.HeldDirectories;
import dev.outboxrelay.client.writing.QueueMaintenance;
import dev.outboxrelay.client.writing.WriterOptions;
import dev.outboxrelay.relay.fact.Fact;
import dev.outboxrelay.relay.fact.Part;
import java.io.Closeable;
import java.io.IOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.OptionalLong;
import java.util.Queue;
import java.util.UUID;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * What of one outbox is not on stable storage yet. {@link SyncTick} looks and has it synced, one
 * thread at a time; what is known of it may be read from any.
 */
public final class OutboxSync implements Closeable {
  private static final Duration LOCK_TIMEOUT = Duration.ofSeconds(1);

  /** A quiet outbox holds no descriptor: there may be thousands of them. */
  private static final long LET_GO_MILLIS = 60_000;

  /** More than a pipeline leaves there between two turns; without one, the first ones do. */
  private static final int MOST_FACTS = 64;

  private final WriterOptions options;
  private final OutboxPaths paths;
  private final InstantSource clock;
  private final AtomicBoolean busy = new AtomicBoolean();
  private final Queue<Fact> facts = new ArrayBlockingQueue<>(MOST_FACTS);

  private UUID outbox;
  private CycleSync cycles;
  private Extent published = Extent.NONE;
  private Extent synced = Extent.NONE;
  private long sinceMillis;
  private long syncedMillis;
  private long failedCycle = -1;
  private boolean unmarked;
  private boolean failing;
  private volatile Unsynced unsynced = Unsynced.NOTHING;

  /** Knows of nothing yet; what an earlier relay has synced is synced once more. */
  public OutboxSync(WriterOptions options, InstantSource clock) {
    this.options = options.withLockTimeout(LOCK_TIMEOUT);
    this.paths = options.paths();
    this.clock = clock;
  }

  /**
   * What a power cut could cost now.
   *
   * @param bytes size of the records in the queue
   * @param sinceMillis when the first of them was seen, milliseconds since the epoch; empty if
   *     there is none
   */
  public record Unsynced(long bytes, OptionalLong sinceMillis) {
    public static final Unsynced NOTHING = new Unsynced(0, OptionalLong.empty());
  }

  /** Up to where the queue is, by its last sequence. */
  private record Extent(long sequence, long cycle, long bytes) {
    static final Extent NONE = new Extent(0, -1, 0);
  }

  /** Cheap where nothing was appended: one small file is read. */
  public Unsynced unsynced() {
    return unsynced;
  }

  /** The next fact to tell, or null. For the delivery thread. */
  public Fact poll() {
    return facts.poll();
  }

  /** Takes the turn, if nobody has it; whoever gets true must {@link #done end} it. */
  boolean begin() {
    return busy.compareAndSet(false, true);
  }

  void done() {
    busy.set(false);
  }

  /** Whether something is there to be synced. Reads one small file if nothing was appended. */
  boolean look() {
    try {
      StateFile.read(paths.state()).ifPresent(this::look);
    } catch (IOException | OutboxError e) {
      // What can't be read is not served either, and said there.
      return false;
    } catch (RuntimeException e) {
      // Of what stands there, which is its owner's to choose: no other outbox may wait for that.
      failed(e);
      return false;
    }
    return !published.equals(synced);
  }

  private void look(OutboxState state) {
    if (state.nextSequence() == 0 || state.newest().isEmpty()) {
      return; // a writer is at work, or was killed there
    }
    if (!isOurs(state)) {
      beginAnew(state.outboxId());
    }
    OutboxState.NewestCycle newest = state.newest().get();
    long sequence = state.nextSequence() - 1;
    if (sequence == published.sequence() && newest.cycle() == published.cycle()) {
      if (published.equals(synced) && clock.millis() - syncedMillis > LET_GO_MILLIS) {
        closeCycles();
      }
      return;
    }
    published = new Extent(sequence, newest.cycle(), newest.base() + endOf(newest.cycle()));
    if (sinceMillis == 0) {
      sinceMillis = clock.millis();
    }
    tell();
  }

  /** Another outbox has taken the place. */
  private void beginAnew(UUID id) {
    closeCycles();
    outbox = id;
    cycles = new CycleSync(paths, 0, options.disk());
    published = Extent.NONE;
    synced = Extent.NONE;
    sinceMillis = 0;
    failedCycle = -1;
    unmarked = false;
  }

  /** For people only, so that damage does not matter. */
  private long endOf(long cycle) {
    try (CycleScanner scanner = CycleScanner.open(paths.cycle(cycle), outbox)) {
      return scanner.writtenEnd() - scanner.start();
    } catch (IOException e) {
      return 0;
    }
  }

  /** Syncs what was seen. Blocks on the disk. */
  void sync() {
    Extent upTo = published;
    if (unmarked) {
      mark();
    }
    if (upTo.cycle() == failedCycle) {
      // A later sync could succeed without the data that the failed one lost.
      return;
    }
    try {
      if (upTo.cycle() != synced.cycle()) {
        options.disk().syncDirectory(paths.queue(), DiskStep.PAYLOAD);
      }
      cycles.syncUpTo(upTo.cycle());
    } catch (CycleSyncException e) {
      failed(e);
      failedCycle = e.cycle();
      unmarked = true;
      mark();
      return;
    } catch (IOException | RuntimeException e) {
      failed(e);
      return;
    }
    synced = upTo;
    syncedMillis = clock.millis();
    sinceMillis = 0;
    tell();
    if (failing) {
      failing = false;
      recovered();
    }
  }

  /** No writer appends to that cycle again. */
  private void mark() {
    try (HeldDirectories held = HeldDirectories.hold(paths);
        QueueMaintenance queue = new QueueMaintenance(options, held)) {
      // Whoever owns the path may have led it to another outbox since.
      if (StateFile.read(held.paths().state()).filter(this::isOurs).isPresent()) {
        queue.markFailed(failedCycle);
        unmarked = false;
      }
    } catch (IOException | RuntimeException e) {
      failed(e);
    }
  }

  private boolean isOurs(OutboxState state) {
    return state.outboxId().equals(outbox);
  }

  private void failed(Exception e) {
    failing = true;
    facts.offer(new Fact.Failed(Part.SYNC, e));
  }

  /** Told in any case: it outdates the failures that nobody has fetched. */
  private void recovered() {
    Fact over = new Fact.Recovered(Part.SYNC);
    while (!facts.offer(over)) {
      facts.clear();
    }
  }

  private void tell() {
    unsynced =
        published.equals(synced)
            ? Unsynced.NOTHING
            : new Unsynced(
                Math.max(0, published.bytes() - synced.bytes()), OptionalLong.of(sinceMillis));
  }

  /** Holds no descriptor until something is appended again. */
  public void letGo() {
    if (begin()) {
      try {
        closeCycles();
      } finally {
        done();
      }
    }
  }

  private void closeCycles() {
    try {
      if (cycles != null) {
        cycles.close();
      }
    } catch (IOException e) {
      // It was open for syncs only.
    }
  }

  /** Waits for no sync that is under way: that one closes nothing and ends by itself. */
  @Override
  public void close() {
    if (begin()) {
      closeCycles();
    }
  }
}
