package dev.outboxrelay.relay.pipeline;

import dev.outboxrelay.client.files.OutboxPaths;
import java.io.IOException;
import java.util.OptionalLong;

/** Finds what waits in a queue, from outside of its pipeline. For one thread. */
@FunctionalInterface
public interface OldestWaiting {
  /**
   * Append time of the first event behind what is settled.
   *
   * @param settledSequence everything up to it is settled
   * @return milliseconds since the epoch; empty if none waits, or none was found yet: it searches a
   *     piece at a time
   */
  OptionalLong appendMillis(OutboxPaths paths, long settledSequence) throws IOException;
}
