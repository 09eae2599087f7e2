package dev.outboxrelay.relay.pipeline;

import dev.outboxrelay.client.format.OutboxPaths;
import dev.outboxrelay.relay.settle.Housekeeping;

/** Placeholder until the client's maintenance lands. */
record QueueHousekeeping(OutboxPaths paths) implements Housekeeping {
  @Override
  public void markFailed(long cycle) {}

  @Override
  public Deleted deleteSettled(long below, long olderThanMillis) {
    return Deleted.NOTHING;
  }
}
