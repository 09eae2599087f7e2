package dev.outboxrelay.relay.pipeline;

import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.client.files.OutboxPaths;
import java.io.IOException;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;

/**
 * How long the oldest event of each outbox that is not settled has waited: one number, whoever
 * shows it. Worked out when asked, so that it grows while the loop is stuck. An event that the loop
 * has not even read is looked up in the queue; if that can't be read either, it ages from when it
 * was first seen to wait. Thread-safe.
 */
public final class UnsettledAge {
  private final Queue queue;
  private final InstantSource clock;
  private final Map<Path, Long> unreadSince = new ConcurrentHashMap<>();

  /** Reads an outbox from outside of its pipeline. */
  public interface Queue {
    /**
     * Append time of the first event behind the position on disk.
     *
     * @return milliseconds since the epoch; empty if none waits or can be read
     */
    OptionalLong oldestAppendMillis(OutboxPaths paths) throws IOException;
  }

  /** Knows of no outbox yet. */
  public UnsettledAge(Queue queue, InstantSource clock) {
    this.queue = queue;
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

  private OptionalLong oldest(PipelineStatus status) {
    if (status.oldestUnsettledMillis().isPresent()) {
      return status.oldestUnsettledMillis();
    }
    try {
      return queue.oldestAppendMillis(new OutboxPaths(status.outbox()));
    } catch (IOException | OutboxError e) {
      return OptionalLong.empty();
    }
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
