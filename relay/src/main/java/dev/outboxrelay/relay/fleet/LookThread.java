package dev.outboxrelay.relay.fleet;

import dev.outboxrelay.relay.rounds.WorkThread;
import java.time.Duration;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one thread that looks at the files of all outboxes, so that a disk that hangs, or damage
 * without an end, holds up neither delivery nor whoever asks how it goes. It takes a sixth of a
 * processor at most; who asks for a fresh look has it made at once.
 */
public final class LookThread implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(LookThread.class);

  /** A look that took a second is followed by a pause of so many. */
  private static final int PAUSE_FACTOR = 5;

  private final Runnable look;
  private final long intervalNanos;
  private final LongSupplier nanoClock;
  private final Thread thread;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private long begun;
  private long finished;
  private boolean asked;
  private boolean stopped;

  private LookThread(Runnable look, Duration interval, LongSupplier nanoClock) {
    this.look = look;
    this.intervalNanos = interval.toNanos();
    this.nanoClock = nanoClock;
    this.thread = new WorkThread(this::run, "outbox-look");
  }

  /**
   * Starts the thread.
   *
   * @param look looks once at everything
   * @param interval between two looks that nobody asks for
   */
  public static LookThread start(Runnable look, Duration interval) {
    LookThread started = new LookThread(look, interval, System::nanoTime);
    started.thread.start();
    return started;
  }

  private void run() {
    long pause = 0;
    while (awaitNext(pause)) {
      long start = nanoClock.getAsLong();
      try {
        look.run();
      } catch (RuntimeException | Error e) {
        // One that tells of memory is the end of the process, as all that is logged is looked at.
        LOG.atError().setCause(e).log("no look at the files of the outboxes");
      }
      pause = Math.max(intervalNanos, PAUSE_FACTOR * (nanoClock.getAsLong() - start));
      lock.lock();
      try {
        finished = begun;
        changed.signalAll();
      } finally {
        lock.unlock();
      }
    }
  }

  /** Waits until a look is due or asked for; false once it is over. */
  private boolean awaitNext(long pauseNanos) {
    lock.lock();
    try {
      long left = pauseNanos;
      while (left > 0 && !asked && !stopped) {
        left = changed.awaitNanos(left);
      }
      asked = false;
      begun++;
      return !stopped;
    } catch (InterruptedException e) {
      return false;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Waits for a look that begins from now on, but no longer than this: if the disk hangs, what was
   * seen before has to do.
   */
  public void freshen(Duration patience) {
    lock.lock();
    try {
      long wanted = begun + 1;
      long left = patience.toNanos();
      asked = true;
      changed.signalAll();
      while (finished < wanted && left > 0 && !stopped) {
        left = changed.awaitNanos(left);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      lock.unlock();
    }
  }

  /** Ends the thread; does not wait for it, as it may hang. */
  @Override
  public void close() {
    lock.lock();
    try {
      stopped = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }
}
