package dev.outboxrelay.client.lock;

import dev.outboxrelay.client.OutboxBusy;
import dev.outboxrelay.client.disk.OwnDescriptors;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.random.RandomGenerator;

/**
 * Until when locks are waited for, and how: polled with jittered backoff, a few times at once, then
 * after 50 µs, doubling to 2 ms. Interrupts do not end the wait; they are kept until the deadline
 * is closed. Belongs to one thread.
 */
public final class LockDeadline implements AutoCloseable {
  private static final int EAGER_TRIES = 4;
  private static final long SHORTEST_PAUSE_NANOS = 50_000;
  private static final long LONGEST_PAUSE_NANOS = 2_000_000;

  private final long deadlineNanos;
  private final RandomGenerator random;
  private boolean interrupted;

  public LockDeadline(Duration timeout, RandomGenerator random) {
    deadlineNanos = System.nanoTime() + timeout.toNanos();
    this.random = random;
    keepInterrupt();
  }

  /** One try. */
  @FunctionalInterface
  public interface Attempt<T> {
    T tryOnce() throws IOException;
  }

  /**
   * Clears the thread's interrupt flag and remembers it: an interrupted thread that touches a
   * {@code FileChannel} closes it for everybody.
   */
  public void keepInterrupt() {
    interrupted |= Thread.interrupted();
  }

  long remainingNanos() {
    return deadlineNanos - System.nanoTime();
  }

  boolean isOver() {
    return remainingNanos() <= 0;
  }

  /**
   * Tries for a lock, at least once and until the deadline; the attempt returns null while somebody
   * else has it.
   */
  public <T> T poll(Path file, Attempt<T> attempt) throws IOException {
    long pause = SHORTEST_PAUSE_NANOS;
    for (int tries = 1; ; tries++) {
      T lock = attempt.tryOnce();
      if (lock != null) {
        return lock;
      }
      if (isOver()) {
        throw busy(file, "another process, or by another copy of this client in this JVM,");
      }
      if (tries <= EAGER_TRIES) {
        Thread.onSpinWait();
      } else {
        keepInterrupt(); // else the pause returns at once
        LockSupport.parkNanos(this, pause / 2 + random.nextLong(pause));
        pause = Math.min(2 * pause, LONGEST_PAUSE_NANOS);
      }
    }
  }

  /**
   * An interrupt closes the channel that the thread is using; nothing is published then, so it
   * starts over. So it does where the lock was lost before.
   */
  public <T> T retryWhileInterrupted(Attempt<T> attempt) throws IOException {
    while (true) {
      try {
        return attempt.tryOnce();
      } catch (ClosedChannelException | LockLost e) {
        keepInterrupt();
        if (isOver()) {
          throw e;
        }
      }
    }
  }

  OutboxBusy busy(Path file, String holder) {
    return new OutboxBusy(
        OwnDescriptors.nameOf(file)
            + " is held by "
            + holder
            + " and was not released in time: retry; if it lasts, look for a stopped writer "
            + "(fuser names it)");
  }

  /** Sets the interrupt flag again if the thread was interrupted meanwhile. */
  @Override
  public void close() {
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
