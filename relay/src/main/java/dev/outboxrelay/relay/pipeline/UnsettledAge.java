package dev.outboxrelay.relay.pipeline;

import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;

/**
 * How long the oldest event of each outbox that is not settled has waited: one number, whoever
 * shows it. Worked out when asked, from memory, so that it grows while the loop is stuck. An event
 * that the loop has not even read was found by whoever looks at the queue; as long as it was not,
 * it ages from when it was first seen to wait. Thread-safe.
 */
public final class UnsettledAge {
  private final InstantSource clock;
  private final Map<Path, Long> unreadSince = new ConcurrentHashMap<>();

  /** Knows of no outbox yet. */
  public UnsettledAge(InstantSource clock) {
    this.clock = clock;
  }

  /** In milliseconds; 0 if everything is settled. */
  public long millis(PipelineStatus status) {
    if (status.lagEvents() == 0) {
      forget(status.outbox());
      return 0;
    }
    OptionalLong oldest = oldest(status);
    if (oldest.isPresent()) {
      forget(status.outbox());
      return since(oldest.getAsLong());
    }
    return since(unreadSince.computeIfAbsent(status.outbox(), unread -> clock.millis()));
  }

  private static OptionalLong oldest(PipelineStatus status) {
    if (status.oldestUnsettledMillis().isPresent()) {
      return status.oldestUnsettledMillis();
    }
    // What was found may be settled since.
    return status.look().settledSequence() == status.settledSequence()
        ? status.look().oldestMillis()
        : OptionalLong.empty();
  }

  /** How long ago that was, milliseconds; 0 if it never was. */
  public long since(OptionalLong millis) {
    return millis.isPresent() ? since(millis.getAsLong()) : 0;
  }

  private long since(long millis) {
    return Math.max(0, clock.millis() - millis);
  }

  /** An outbox is shown no more. */
  public void forget(Path outbox) {
    unreadSince.remove(outbox);
  }
}
