package dev.outboxrelay.relay.pipeline;

import java.util.concurrent.TimeUnit;

/** Lets so many lines a minute through, and counts the others. For one thread. */
final class LineBudget {
  private static final long MINUTE_NANOS = TimeUnit.MINUTES.toNanos(1);

  private final int perMinute;
  private long minuteNanos;
  private int written;
  private long heldBack;

  /**
   * The first minute begins.
   *
   * @param perMinute lines, at least one
   * @param nowNanos of the monotonic clock
   */
  LineBudget(int perMinute, long nowNanos) {
    this.perMinute = perMinute;
    this.minuteNanos = nowNanos;
  }

  /** Whether a line may be written now; if not, it is counted. */
  boolean take(long nowNanos) {
    if (nowNanos - minuteNanos >= MINUTE_NANOS) {
      minuteNanos = nowNanos;
      written = 0;
    }
    if (written == perMinute) {
      heldBack++;
      return false;
    }
    written++;
    return true;
  }

  /** How many lines were not written since this was last asked. */
  long heldBack() {
    long count = heldBack;
    heldBack = 0;
    return count;
  }
}
