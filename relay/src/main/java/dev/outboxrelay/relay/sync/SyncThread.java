package dev.outboxrelay.relay.sync;

import dev.outboxrelay.relay.rounds.Rounds;
import dev.outboxrelay.relay.rounds.WorkThread;
import java.time.Duration;
import java.util.Collection;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Turns the sync tick on a thread of its own. */
public final class SyncThread implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(SyncThread.class);

  /** A look reads a page or two. */
  private static final Duration PATIENCE = Duration.ofMillis(300);

  private final ExecutorService workers =
      Executors.newCachedThreadPool(work -> new WorkThread(work, "outbox-sync"));
  private final SyncTick tick;
  private final Thread thread;
  private volatile boolean stopped;

  private SyncThread(Supplier<? extends Collection<OutboxSync>> outboxes, Duration interval) {
    Rounds<OutboxSync> rounds = new Rounds<>(workers, PATIENCE);
    this.tick = new SyncTick(outboxes, workers, rounds, interval, System::nanoTime);
    this.thread = new WorkThread(this::run, "outbox-sync");
  }

  /**
   * Starts the thread.
   *
   * @param outboxes which to look at now; thread-safe
   * @param interval between two looks; zero = no thread, nothing is ever looked at
   */
  public static SyncThread start(
      Supplier<? extends Collection<OutboxSync>> outboxes, Duration interval) {
    SyncThread started = new SyncThread(outboxes, interval);
    if (!interval.isZero()) {
      started.thread.start();
    }
    return started;
  }

  private void run() {
    while (!stopped) {
      try {
        tick.doWork();
      } catch (RejectedExecutionException e) {
        return; // it was closed meanwhile
      } catch (RuntimeException | Error e) {
        // One that tells of memory is the end of the process, as all that is logged is looked at.
        LOG.atError().setCause(e).log("outboxes not looked at for what is not synced");
      }
      LockSupport.parkNanos(this, tick.idleNanos());
    }
  }

  /** Ends the thread; waits for no sync that is under way. */
  @Override
  public void close() {
    stopped = true;
    LockSupport.unpark(thread);
    workers.shutdown();
  }
}
