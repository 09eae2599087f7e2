package dev.outboxrelay.client.lock;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/**
 * The claim on a cycle file's descriptor: one thread at a time syncs through it, the others wait,
 * and as a rule find that nothing is left to be done. Safe for many threads; not reentrant.
 */
public final class SyncClaim {
  /** To see that a holder has died. */
  private static final long LONGEST_PARK_NANOS = 100_000_000;

  private final AtomicReference<Thread> holder = new AtomicReference<>();
  private final Queue<Waiter> waiting = new ConcurrentLinkedQueue<>();

  private static final class Waiter {
    private final Thread thread = Thread.currentThread();
    private final BooleanSupplier settled;

    Waiter(BooleanSupplier settled) {
      this.settled = settled;
    }
  }

  /**
   * Takes the claim; {@link #release} must follow in a finally block of the same thread. One whose
   * holder has died is taken over.
   *
   * @param settled whether the caller needs it no longer; asked by other threads, too
   * @param deadline keeps interrupts; the wait ends with the holder's sync, and not with it
   * @return false as soon as all is settled, without the claim
   */
  public boolean acquire(BooleanSupplier settled, LockDeadline deadline) {
    StackReserve.demand();
    if (tryAcquire()) {
      return true;
    }
    Waiter waiter = new Waiter(settled);
    waiting.add(waiter);
    try {
      while (!settled.getAsBoolean()) {
        if (tryAcquire()) {
          return true;
        }
        deadline.keepInterrupt(); // else the pause ends at once
        LockSupport.parkNanos(this, LONGEST_PARK_NANOS);
      }
    } finally {
      waiting.remove(waiter);
    }
    if (holder.get() == null) {
      wakeNext(); // this one may have been woken to take it
    }
    return false;
  }

  private boolean tryAcquire() {
    Thread before = holder.get();
    return (before == null || !before.isAlive())
        && holder.compareAndSet(before, Thread.currentThread());
  }

  /** Gives the claim back, and wakes those for whom all is settled, and one who takes it next. */
  public void release() {
    if (!holder.compareAndSet(Thread.currentThread(), null)) {
      throw new IllegalStateException("this thread does not have the claim");
    }
    for (Waiter each : waiting) {
      if (each.settled.getAsBoolean()) {
        LockSupport.unpark(each.thread);
      }
    }
    wakeNext();
  }

  private void wakeNext() {
    for (Waiter each : waiting) {
      if (!each.settled.getAsBoolean()) {
        LockSupport.unpark(each.thread);
        return;
      }
    }
  }
}
