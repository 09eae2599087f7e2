package dev.outboxrelay.client.writing;

import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.files.StateFile;
import dev.outboxrelay.client.files.SyncedRange;
import dev.outboxrelay.client.lock.LockDeadline;
import dev.outboxrelay.client.lock.SyncClaim;
import dev.outboxrelay.client.lock.SyncLock;
import dev.outboxrelay.client.record.Invariant;
import java.io.Closeable;
import java.io.IOException;
import java.util.function.BooleanSupplier;

/**
 * Brings what was published in a cycle file to stable storage, by one sync for all threads and
 * processes that wait: FORMAT.md, <i>Group commit</i>. There is one for each open cycle file, as
 * the kernel tells an error once for each; who is told it tells all who append through this file.
 * Safe for many threads.
 */
final class GroupCommit implements Closeable {
  /** So long the sync lock is tried for: its holder may be stopped. */
  private static final long PATIENCE_NANOS = 100_000_000;

  private static final long UNKNOWN = -1;

  private final CycleDescriptors file;
  private final long cycle;
  private final long tail;
  private final long previous;
  private final CycleView view;
  private final StateFile state;
  private final SyncLock lock;
  private final Disk disk;
  private final SyncPace pace;
  private final SyncClaim claim = new SyncClaim();
  private volatile long syncedTo; // by this one; 0 for nothing
  private volatile IOException failure; // null while no sync through this file has failed
  private boolean syncing; // guarded by claim, as what follows
  private long syncedSequence; // of one that this has synced; others may have synced more
  private long rangeWithoutLock = UNKNOWN; // its end when the lock was given up
  private long othersBefore; // records of others that the last sync covered

  private GroupCommit(
      CycleFile opened, CycleDescriptors file, StateFile state, SyncLock lock, WriterOptions with) {
    this.file = file;
    cycle = opened.id().number();
    tail = opened.end();
    previous = opened.last();
    view = opened.view();
    this.state = state;
    this.lock = lock;
    disk = with.disk();
    pace = new SyncPace(with.nanos());
  }

  /**
   * Under the writers' lock, before anything is published through the file for which others wait: a
   * descriptor that is opened later may miss an error that the kernel has told another.
   *
   * @param opened its tail known
   * @param lock of the file that is locked
   */
  static GroupCommit of(CycleFile opened, StateFile state, SyncLock lock, WriterOptions options)
      throws IOException {
    opened.descriptors().openForSync();
    return new GroupCommit(opened, opened.descriptors(), state, lock, options);
  }

  /**
   * Under the writers' lock, directly before records are published: keeps the file open until they
   * are synced; {@link #close} must follow. Nothing stands at the tail yet, so a range that covers
   * it is of a restored or copied file.
   */
  void expect(long first, long last) {
    if (first < tail || last < first) {
      throw Invariant.broken(13, "records at " + first + " … " + last + " before " + tail);
    }
    SyncedRange range = state.syncedRange();
    if (range != null && range.covers(cycle, first, first)) {
      state.clearSyncedRange();
    }
    file.retain();
  }

  /**
   * Returns when these records, and all before them that were {@link #expect}ed, are on stable
   * storage.
   *
   * @throws IOException if that is not known, as a sync has failed
   */
  void sync(Published published, LockDeadline deadline) throws IOException {
    long first = published.first();
    long last = published.last();
    if (isCovered(first, last)) {
      return;
    }
    Settled settled = new Settled(first, last);
    if (!claim.acquire(settled, deadline)) {
      if (!settled.covered) {
        throw failed();
      }
      return;
    }
    try {
      if (syncing) { // who had the claim has died, and with it what the kernel told of this sync
        failure = new IOException("a thread ended while it synced " + file.name());
      }
      lead(published, deadline);
    } finally {
      claim.release();
    }
  }

  /**
   * Whether those who wait need the claim no longer. Who was seen to be covered stays so: the range
   * is overwritten by whoever syncs next, and then covers others.
   */
  private final class Settled implements BooleanSupplier {
    private final long first;
    private final long last;
    private volatile boolean covered;

    private Settled(long first, long last) {
      this.first = first;
      this.last = last;
    }

    @Override
    public boolean getAsBoolean() {
      covered = covered || isCovered(first, last);
      return covered || failure != null;
    }
  }

  private boolean isCovered(long first, long last) {
    if (last <= syncedTo) {
      return true;
    }
    try {
      SyncedRange range = state.syncedRange();
      return range != null && range.covers(cycle, first, last);
    } catch (InternalError e) {
      return false; // the state was cut
    }
  }

  private IOException failed() {
    return new IOException(failure.getMessage(), failure);
  }

  private void lead(Published published, LockDeadline deadline) throws IOException {
    if (failure != null && !isCovered(published.first(), published.last())) {
      throw failed();
    }
    boolean locked = acquireLock(published, deadline);
    try {
      if (!isCovered(published.first(), published.last())) {
        long to = syncFor(published, locked, deadline);
        if (locked) {
          extend(to);
        }
      }
    } finally {
      if (locked) {
        releaseLock();
      }
    }
  }

  /**
   * False if it was not to be had, or is not needed any more. Who has waited in vain waits again
   * only once the lock was free or the range has moved: its holder may be stopped for long.
   */
  private boolean acquireLock(Published published, LockDeadline deadline) {
    long start = pace.nanos();
    try {
      while (!lock.tryAcquire(disk)) {
        long noted = rangeEnd();
        if (noted == rangeWithoutLock || isCovered(published.first(), published.last())) {
          return false;
        }
        if (pace.nanos() - start > PATIENCE_NANOS) {
          rangeWithoutLock = noted;
          return false;
        }
        pace.pause(deadline);
      }
      rangeWithoutLock = UNKNOWN;
      return true;
    } catch (IOException e) {
      return false; // the lock file was closed, or the kernel refuses
    }
  }

  private long rangeEnd() {
    try {
      SyncedRange range = state.syncedRange();
      return range == null ? 0 : range.to();
    } catch (InternalError e) {
      return 0; // the state was cut
    }
  }

  /** Needs nothing that could fail for want of memory. */
  private void releaseLock() {
    try {
      lock.release();
    } catch (IOException e) {
      // the next one tries again
    }
  }

  /** Where the last record stands that was published before the sync. */
  private long syncFor(Published published, boolean locked, LockDeadline deadline)
      throws IOException {
    if (locked) {
      pace.letOthersIn(() -> others(published), othersBefore, deadline);
    }
    long others = others(published);
    long to = Math.max(readWord1(), published.last());
    deadline.keepInterrupt(); // else it closes the channel
    long start = pace.nanos();
    syncing = true; // and stays so after an Error: what the kernel told is not known
    try {
      file.sync(deadline);
    } catch (IOException e) {
      failure = e;
      syncing = false;
      throw e;
    }
    syncing = false;
    pace.took(pace.nanos() - start);
    syncedTo = Math.max(syncedTo, to);
    othersBefore = others;
    syncedSequence = Math.max(syncedSequence, published.lastSequence());
    return to;
  }

  /** How many records others have appended since the last sync; a guess is good enough. */
  private long others(Published published) {
    try {
      SyncedRange range = state.syncedRange();
      boolean known = range != null && range.cycle() == cycle;
      long synced = Math.max(syncedSequence, known ? view.sequenceAt(range.to()) : 0);
      long appended = synced == 0 ? 0 : state.nextSequence() - 1 - synced;
      return Math.max(0, appended - published.records());
    } catch (InternalError e) {
      return 0; // a file was cut
    }
  }

  private long readWord1() {
    try {
      return view.word1();
    } catch (InternalError e) {
      return 0; // the file was cut
    }
  }

  private void extend(long to) {
    try {
      state.syncedRange(SyncedRange.extended(state.syncedRange(), cycle, tail, previous, to));
    } catch (InternalError e) {
      // the state was cut: others sync for themselves
    }
  }

  /** Of one that was {@link #expect}ed: the last one closes the file. */
  @Override
  public void close() throws IOException {
    file.close();
  }
}
