package dev.outboxrelay.client.lock;

import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The part of a lock that keeps out the threads of one copy of the client. A thread that died while
 * it had the lock has it no longer.
 */
final class ThreadsLock {
  private static final long LONGEST_WAIT_NANOS = 100_000_000;

  private volatile OwnedLock lock = new OwnedLock();
  private volatile int deaths;

  /** Tells its owner. */
  private static final class OwnedLock extends ReentrantLock {
    private static final long serialVersionUID = 1L;

    boolean isOwnedByTheDead() {
      Thread owner = getOwner();
      return owner != null && !owner.isAlive();
    }
  }

  /** Takes the lock, or throws that somebody else has it. Not reentrant. */
  void acquire(Path file, LockDeadline deadline) {
    while (true) {
      OwnedLock current = lock;
      if (current.isHeldByCurrentThread()) {
        throw new IllegalStateException("this thread holds " + file + " already");
      }
      if (current.tryLock() || waitFor(current, deadline)) {
        return;
      }
      if (current.isOwnedByTheDead()) {
        replace(current);
      } else if (deadline.isOver()) {
        throw deadline.busy(file, "another thread of this process");
      }
    }
  }

  private static boolean waitFor(OwnedLock current, LockDeadline deadline) {
    try {
      long nanos = Math.min(deadline.remainingNanos(), LONGEST_WAIT_NANOS);
      return current.tryLock(nanos, TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      deadline.keepInterrupt();
      return false;
    }
  }

  private synchronized void replace(OwnedLock orphaned) {
    if (lock == orphaned) {
      deaths++;
      lock = new OwnedLock();
    }
  }

  void release() {
    lock.unlock();
  }

  boolean isHeldByCurrentThread() {
    return lock.isHeldByCurrentThread();
  }

  /** How many threads have died while they had the lock. */
  int deaths() {
    return deaths;
  }
}
