package dev.outboxrelay.client.lock;

import dev.outboxrelay.client.disk.Disk;
import java.io.IOException;
import java.nio.channels.FileLock;
import java.util.concurrent.atomic.AtomicReference;

/**
 * The sync lock: byte 1 of {@code outbox.lock}, through the same descriptor as byte 0. Who has it
 * syncs for all, and extends the synced range. Nobody has to wait for it: without it a sync costs
 * more, and says less. Safe for many threads; not reentrant.
 */
public final class SyncLock {
  private final LockFile file;
  private final AtomicReference<Holder> holder = new AtomicReference<>();

  SyncLock(LockFile file) {
    this.file = file;
  }

  /** A thread of this copy of the client that has the lock, or left it. */
  private static final class Holder {
    private final Thread thread = Thread.currentThread();
    private volatile FileLock lock; // null until it is taken
    private volatile boolean left; // it could not be released

    boolean mayBeReplaced() {
      return left || !thread.isAlive();
    }
  }

  /**
   * Tries for the lock, without waiting; {@link #release} must follow in a finally block of the
   * same thread.
   *
   * @return false if somebody else has it: a thread, another copy of the client, another process
   */
  public boolean tryAcquire(Disk disk) throws IOException {
    StackReserve.demand();
    Holder mine = new Holder();
    Holder before = holder.get();
    if (before != null) {
      mine.lock = before.lock;
    }
    if ((before != null && !before.mayBeReplaced()) || !holder.compareAndSet(before, mine)) {
      return false;
    }
    boolean done = false;
    try {
      releaseLock(mine); // what a thread that died has left
      mine.lock = file.tryLockForSync(disk);
      done = mine.lock != null;
      return done;
    } finally {
      if (!done) {
        giveUp(mine);
      }
    }
  }

  /** Releases the lock; where that fails, the next who tries for it does. */
  public void release() throws IOException {
    Holder mine = holder.get();
    if (mine == null || mine.thread != Thread.currentThread()) {
      throw new IllegalStateException("this thread does not hold the sync lock");
    }
    try {
      releaseLock(mine);
    } finally {
      giveUp(mine);
    }
    file.closeIfUnused();
  }

  /** Unless it went with its channel. */
  private static void releaseLock(Holder mine) throws IOException {
    FileLock lock = mine.lock;
    if (lock != null && lock.isValid()) {
      lock.release();
    }
    mine.lock = null;
  }

  private void giveUp(Holder mine) {
    if (mine.lock == null) {
      holder.set(null);
    } else {
      mine.left = true;
    }
  }
}
