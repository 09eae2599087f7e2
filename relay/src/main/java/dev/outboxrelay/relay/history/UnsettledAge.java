package dev.outboxrelay.relay.history;

import dev.outboxrelay.client.format.OutboxPaths;
import dev.outboxrelay.relay.inspect.Backlog;
import dev.outboxrelay.relay.pipeline.PipelineStatus;
import java.io.IOException;
import java.util.OptionalLong;

/** How long the oldest event that is not settled has waited. */
public final class UnsettledAge {
  private UnsettledAge() {}

  /**
   * Works it out at this moment, so that it grows while the loop is stuck.
   *
   * @param nowMillis milliseconds since the epoch
   * @return milliseconds; 0 if nothing waits or it can't be told
   */
  public static long millis(PipelineStatus status, long nowMillis) {
    OptionalLong oldest = oldestAppendMillis(status);
    return oldest.isPresent() ? Math.max(0, nowMillis - oldest.getAsLong()) : 0;
  }

  private static OptionalLong oldestAppendMillis(PipelineStatus status) {
    if (status.lagEvents() == 0 || status.oldestUnsettledMillis().isPresent()) {
      return status.lagEvents() == 0 ? OptionalLong.empty() : status.oldestUnsettledMillis();
    }
    try {
      // The loop has not read it yet.
      return Backlog.oldestAppendMillis(new OutboxPaths(status.outbox()));
    } catch (IOException e) {
      return OptionalLong.empty();
    }
  }
}
