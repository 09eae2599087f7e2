package dev.outboxrelay.client.lock;

import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.record.Invariant;
import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileLock;
import java.nio.file.Path;
import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * The writers' lock: byte 0 of {@code outbox.lock}, exclusive among all processes, threads, and
 * copies of this class in a JVM; always taken with a deadline. Safe for many threads; not
 * reentrant. {@link LockFile} tells what keeps it.
 */
public final class WritersLock implements Closeable {
  private static final int UNSEEN_TIMES = 100;
  private static final long UNSEEN_NANOS = 20_000;
  private static final Duration AS_LONG_AS_IT_TAKES = Duration.ofDays(36_500);

  private final Path file;
  private final Disk disk;
  private final RandomGenerator random;
  private LockFile shared; // guarded by this
  private LockFile held; // guarded by the threads' lock of the lock file
  private LockFile heldBefore; // guarded as held
  private int deathsSeen; // of threads that had the lock file that was held before
  private long heldSinceNanos; // guarded as held
  private long times; // that it was taken; guarded as held

  /** Opens nothing yet. */
  public WritersLock(Path file, Disk disk, RandomGenerator random) {
    this.file = file;
    this.disk = disk;
    this.random = random;
  }

  /**
   * Takes the lock; {@link #release} must follow in a finally block of the same thread.
   *
   * @param timeout how long to try; then {@link dev.outboxrelay.client.OutboxBusy}
   */
  public void acquire(Duration timeout) throws IOException {
    try (LockDeadline deadline = new LockDeadline(timeout, random)) {
      acquire(deadline);
    }
  }

  public void acquire(LockDeadline deadline) throws IOException {
    StackReserve.demand();
    while (true) {
      LockFile lockFile = lockFile();
      lockFile.threads().acquire(file, deadline);
      boolean done = false;
      try {
        releaseLeftBehind(lockFile);
        FileLock lock = tryOnce(lockFile);
        if (lock == null) {
          lock = deadline.poll(file, () -> tryOnce(lockFile));
        }
        lockFile.heldByWriter(lock);
        if (lockFile.isAt(file)) {
          held = lockFile;
          times++;
          done = true;
          return;
        }
        // The file was replaced or deleted: start over with what the path leads to now.
      } catch (ClosedChannelException e) {
        // As the kernel refused to release it: start over with a new one.
      } finally {
        if (!done) {
          unlock(lockFile);
          forget(lockFile);
        }
      }
    }
  }

  private FileLock tryOnce(LockFile lockFile) throws IOException {
    heldSinceNanos = System.nanoTime(); // at the earliest
    return lockFile.tryLock(disk);
  }

  /**
   * Asked by who has the lock, once: whether what was opened under it before may be used. Not if
   * the lock file is another one, nor if a thread died that had the lock: it may have left things
   * half changed.
   */
  public boolean continuesWhereItWas() {
    int deaths = held.threads().deaths();
    boolean continues = held == heldBefore && deaths == deathsSeen;
    heldBefore = held;
    deathsSeen = deaths;
    return continues;
  }

  /**
   * Asked by who has the lock, before it publishes and behind that: whether the kernel has dropped
   * it, see {@link LockFile#isStillHeld}. To look costs a fifth of an append, so it is done only
   * where the lock was held for so long that others may well have come in; and as the first look
   * costs more than all else, not by who appends but a few events.
   */
  public boolean wasLost() {
    return times > UNSEEN_TIMES
        && System.nanoTime() - heldSinceNanos > UNSEEN_NANOS
        && !held.isStillHeld(file);
  }

  /** Asked where something is about to be changed: FORMAT I3. */
  public void mustBeHeld() {
    LockFile lockFile = held;
    FileLock lock = lockFile == null ? null : lockFile.heldByWriter();
    if (lock == null || !lock.isValid() || !lockFile.threads().isHeldByCurrentThread()) {
      throw Invariant.broken(3, "a change without the lock of " + file);
    }
  }

  /** Asked by who has the lock: whether the path leads to the file that is locked. */
  public boolean isHeldAt(Path path) throws IOException {
    return held.isAt(path);
  }

  /** Asked by who has the lock: the sync lock of the same file. */
  public SyncLock syncLock() {
    return held.syncLock();
  }

  /** Releases the lock. */
  public void release() throws IOException {
    LockFile lockFile = held;
    if (lockFile == null || !lockFile.threads().isHeldByCurrentThread()) {
      throw new IllegalStateException("this thread does not hold " + file);
    }
    held = null;
    unlock(lockFile);
  }

  /**
   * Waits for a thread of this process that holds the lock, then gives up this instance's use of
   * the lock file.
   */
  @Override
  public void close() throws IOException {
    LockFile lockFile;
    synchronized (this) {
      lockFile = shared;
    }
    if (lockFile == null) {
      return;
    }
    if (lockFile.threads().isHeldByCurrentThread()) {
      forget(lockFile);
      return;
    }
    try (LockDeadline deadline = new LockDeadline(AS_LONG_AS_IT_TAKES, random)) {
      lockFile.threads().acquire(file, deadline);
      try {
        releaseLeftBehind(lockFile);
      } finally {
        lockFile.threads().release();
      }
      forget(lockFile);
    }
  }

  /** A thread that died left its lock; this one is the next of its copy of the client. */
  private static void releaseLeftBehind(LockFile lockFile) throws IOException {
    FileLock left = lockFile.heldByWriter();
    if (left != null) {
      try {
        lockFile.release(left);
      } catch (IOException e) {
        lockFile.heldByWriter(null); // the channel was closed instead
        throw e;
      }
      lockFile.heldByWriter(null); // after an Error the next one releases it
    }
  }

  private static void unlock(LockFile lockFile) throws IOException {
    try {
      releaseLeftBehind(lockFile);
    } finally {
      lockFile.threads().release();
    }
  }

  private synchronized LockFile lockFile() throws IOException {
    if (shared == null || !shared.isOpen()) {
      shared = LockFile.share(file);
    }
    return shared;
  }

  private synchronized void forget(LockFile lockFile) throws IOException {
    if (shared == lockFile) {
      shared = null;
      lockFile.giveUp();
    }
  }
}
