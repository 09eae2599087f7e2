package dev.outboxrelay.client.writing;

import dev.outboxrelay.client.lock.LockDeadline;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;

/**
 * What a sync takes here, and by that how long to wait for others. For who has the claim on a
 * descriptor.
 */
final class SyncPace {
  private static final long SHORTEST_PAUSE_NANOS = 50_000;
  private static final long LONGEST_PAUSE_NANOS = 5_000_000;

  /** Below this a pause takes longer than what is waited for. */
  private static final long SPARING_NANOS = 400_000;

  private static final int WEIGHT = 8; // of what was known against one sync more

  private final LongSupplier nanos;
  private long usualNanos; // 0 while none was measured

  /**
   * Knows nothing yet.
   *
   * @param nanos the time, as {@link System#nanoTime} tells it
   */
  SyncPace(LongSupplier nanos) {
    this.nanos = nanos;
  }

  long nanos() {
    return nanos.getAsLong();
  }

  /** Notes what a sync took. */
  void took(long syncNanos) {
    usualNanos = usualNanos == 0 ? syncNanos : (usualNanos * (WEIGHT - 1) + syncNanos) / WEIGHT;
  }

  /** Waits for a part of what a sync takes. */
  void pause(LockDeadline deadline) {
    long part = usualNanos / 4;
    deadline.keepInterrupt(); // else the pause ends at once
    LockSupport.parkNanos(
        this, Math.min(LONGEST_PAUSE_NANOS, Math.max(SHORTEST_PAUSE_NANOS, part)));
  }

  /**
   * Waits until as many others have appended as before, for as long as they keep coming, and for no
   * longer than half a sync.
   *
   * @param others how many have by now
   * @param before how many did for the last sync: who is alone never waits
   */
  @SuppressWarnings("ThreadPriorityCheck") // a yield that does nothing costs nothing but time
  void letOthersIn(LongSupplier others, long before, LockDeadline deadline) {
    long longest = usualNanos / 2;
    long start = nanos();
    long now = start;
    long cameAt = start;
    long came = others.getAsLong();
    while (came < before && now - start < longest && now - cameAt < longest / 2) {
      if (longest < SPARING_NANOS) {
        Thread.yield();
      } else {
        deadline.keepInterrupt();
        LockSupport.parkNanos(this, SHORTEST_PAUSE_NANOS);
      }
      now = nanos();
      long seen = others.getAsLong();
      if (seen > came) {
        came = seen;
        cameAt = now;
      }
    }
  }
}
