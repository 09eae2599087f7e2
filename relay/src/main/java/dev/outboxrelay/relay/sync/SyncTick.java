package dev.outboxrelay.relay.sync;

import dev.outboxrelay.relay.rounds.Rounds;
import dev.outboxrelay.relay.rounds.WorkThread;
import java.time.Duration;
import java.util.Collection;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * A duty cycle that looks at every outbox at an interval, and has those synced in which something
 * was appended. No outbox waits for another's disk. For one thread.
 */
final class SyncTick {
  private final Supplier<? extends Collection<OutboxSync>> outboxes;
  private final Executor workers;
  private final Rounds<OutboxSync> rounds;
  private final long intervalNanos;
  private final LongSupplier nanos;
  private long nextNanos;

  /**
   * The first look is due at once.
   *
   * @param outboxes which to look at now; thread-safe
   * @param workers where syncs block
   * @param rounds that look at them: a disk that hangs does not answer a look either
   * @param interval between two looks
   * @param nanos the monotonic clock
   */
  SyncTick(
      Supplier<? extends Collection<OutboxSync>> outboxes,
      Executor workers,
      Rounds<OutboxSync> rounds,
      Duration interval,
      LongSupplier nanos) {
    this.outboxes = outboxes;
    this.workers = workers;
    this.rounds = rounds;
    this.intervalNanos = interval.toNanos();
    this.nanos = nanos;
    this.nextNanos = nanos.getAsLong();
  }

  /** One turn; returns how many outboxes are being synced now that were not before. */
  int doWork() {
    long now = nanos.getAsLong();
    if (now - nextNanos < 0) {
      return 0;
    }
    nextNanos = now + intervalNanos;
    AtomicInteger begun = new AtomicInteger();
    rounds.visit(
        outboxes.get(),
        outbox -> {
          // One that is still being synced is looked at again when it is done.
          if (outbox.begin() && beginSync(outbox, now)) {
            begun.incrementAndGet();
          }
        });
    return begun.get();
  }

  private boolean beginSync(OutboxSync outbox, long now) {
    boolean handedOver = false;
    try {
      if (outbox.look()) {
        handOver(outbox, now);
        handedOver = true;
      }
    } finally {
      if (!handedOver) {
        outbox.done();
      }
    }
    return handedOver;
  }

  private void handOver(OutboxSync outbox, long now) {
    try {
      workers.execute(() -> sync(outbox, now));
    } catch (WorkThread.Unavailable e) {
      sync(outbox, now); // here; should it hang, the round goes on without it
    }
  }

  /** What was appended during a sync that outlasted the interval waits for no further tick. */
  private void sync(OutboxSync outbox, long begunNanos) {
    try {
      outbox.sync();
      long begun = begunNanos;
      while (nanos.getAsLong() - begun >= intervalNanos && outbox.look()) {
        begun = nanos.getAsLong();
        outbox.sync();
      }
    } finally {
      outbox.done();
    }
  }

  /** How long nothing is due, 0 if something is. */
  long idleNanos() {
    return Math.max(0, nextNanos - nanos.getAsLong());
  }
}
