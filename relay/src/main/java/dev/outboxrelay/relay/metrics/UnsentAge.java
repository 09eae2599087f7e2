package dev.outboxrelay.relay.metrics;

import dev.outboxrelay.relay.pipeline.PipelineStatus;
import java.time.Clock;
import java.util.OptionalLong;
import java.util.function.Supplier;

/**
 * Age of the oldest event that is not settled. Worked out when asked, so that it grows while the
 * loop is stuck. An event that the loop has not even read is looked up in the queue; if that can't
 * be read either, it ages from when it was first seen to wait.
 */
final class UnsentAge {
  private static final long NEVER = Long.MIN_VALUE;

  private final Clock clock;
  private final Supplier<OptionalLong> oldestInQueue;
  private long unreadSinceMillis = NEVER;

  /**
   * Makes one.
   *
   * @param oldestInQueue append time of the first event behind the position, read from disk
   */
  UnsentAge(Clock clock, Supplier<OptionalLong> oldestInQueue) {
    this.clock = clock;
    this.oldestInQueue = oldestInQueue;
  }

  /** In seconds; 0 if everything is settled. */
  synchronized double seconds(PipelineStatus status) {
    if (status.lagEvents() == 0) {
      unreadSinceMillis = NEVER;
      return 0;
    }
    OptionalLong oldest = status.oldestUnsettledMillis();
    if (oldest.isEmpty()) {
      oldest = oldestInQueue.get();
    }
    long now = clock.millis();
    if (oldest.isPresent()) {
      unreadSinceMillis = NEVER;
      return secondsBetween(oldest.getAsLong(), now);
    }
    unreadSinceMillis = unreadSinceMillis == NEVER ? now : unreadSinceMillis;
    return secondsBetween(unreadSinceMillis, now);
  }

  private static double secondsBetween(long from, long to) {
    return Math.max(0, to - from) / 1000.0;
  }
}
