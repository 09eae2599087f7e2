package dev.outboxrelay.relay.pipeline;

import dev.outboxrelay.relay.config.RelayConfig;
import dev.outboxrelay.relay.deliver.Clocks;
import dev.outboxrelay.relay.fact.Counts;
import dev.outboxrelay.relay.fact.FactListener;
import dev.outboxrelay.relay.kafka.ProducerWatch;
import dev.outboxrelay.relay.sync.OutboxSync;
import java.time.InstantSource;

/** What outlives a pipeline, for tests of one. */
public final class Contexts {
  private Contexts() {}

  /** Nothing is ever synced at an interval. */
  public static OutboxContext telling(RelayConfig config, FactListener listener) {
    InstantSource clock = Clocks.SYSTEM.wall();
    return new OutboxContext(
        new Counts(clock),
        listener,
        ProducerWatch.NONE,
        new OutboxSync(config.writerOptions(), clock));
  }
}
