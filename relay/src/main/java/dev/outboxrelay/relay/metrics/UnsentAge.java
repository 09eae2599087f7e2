package dev.outboxrelay.relay.metrics;

import dev.outboxrelay.relay.pipeline.PipelineStatus;
import java.time.Clock;

/**
 * Age of the oldest event that is not settled. Worked out when asked, so that it grows while the
 * loop is stuck; an event that a stuck loop has not even read ages from when it was first seen.
 */
final class UnsentAge {
  private static final long NEVER = Long.MIN_VALUE;

  private final Clock clock;
  private long unreadSinceMillis = NEVER;

  UnsentAge(Clock clock) {
    this.clock = clock;
  }

  /** In seconds; 0 if everything is settled. */
  synchronized double seconds(PipelineStatus status) {
    if (status.lagEvents() == 0) {
      unreadSinceMillis = NEVER;
      return 0;
    }
    long now = clock.millis();
    long since;
    if (status.oldestUnsettledMillis().isPresent()) {
      unreadSinceMillis = NEVER;
      since = status.oldestUnsettledMillis().getAsLong();
    } else {
      unreadSinceMillis = unreadSinceMillis == NEVER ? now : unreadSinceMillis;
      since = unreadSinceMillis;
    }
    return Math.max(0, now - since) / 1000.0;
  }
}
