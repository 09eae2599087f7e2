package dev.outboxrelay.relay.deliver;

import java.util.concurrent.TimeUnit;

/** Notices that Kafka has not answered for long. For one thread. */
final class StallWatch {
  private static final long CHECK_EVERY_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  private final Window window;
  private final long stallNanos;
  private long lastCheckNanos;
  private InFlight silent;

  StallWatch(Window window, long stallNanos, long now) {
    this.window = window;
    this.stallNanos = stallNanos;
    this.lastCheckNanos = now;
  }

  /** Looks, if it has not just done so; returns whether it did. */
  boolean look(long now) {
    if (now - lastCheckNanos < CHECK_EVERY_NANOS) {
      return false;
    }
    lastCheckNanos = now;
    InFlight oldest = window.oldestAwaitingKafka();
    silent = oldest != null && now - oldest.sentNanos() >= stallNanos ? oldest : null;
    return true;
  }

  /** The oldest record, if it has waited too long for its ack; else null. */
  InFlight silent() {
    return silent;
  }

  /** What in flight was discarded. */
  void reset() {
    silent = null;
  }
}
