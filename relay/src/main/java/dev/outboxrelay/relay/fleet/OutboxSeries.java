package dev.outboxrelay.relay.fleet;

import dev.outboxrelay.relay.deliver.Clocks;
import dev.outboxrelay.relay.fact.Counts;
import dev.outboxrelay.relay.fact.FactListener;
import dev.outboxrelay.relay.kafka.ProducerWatch;
import dev.outboxrelay.relay.pipeline.OutboxContext;
import dev.outboxrelay.relay.pipeline.PipelineStatus;
import dev.outboxrelay.relay.pipeline.Service;
import dev.outboxrelay.relay.sync.OutboxSync;
import java.nio.file.Path;
import java.util.function.Supplier;

/**
 * What others see of one watched outbox: made when there is something to see, taken away while
 * another relay shows it. For one thread.
 */
final class OutboxSeries {
  private final Path dir;
  private final FleetListener outside;
  private final OutboxSync sync;
  private final Clocks clocks;
  private Counts counts;
  private FactListener listener;
  private ProducerWatch producers;
  private boolean shown;

  OutboxSeries(Path dir, FleetListener outside, OutboxSync sync, Clocks clocks) {
    this.dir = dir;
    this.outside = outside;
    this.sync = sync;
    this.clocks = clocks;
    this.counts = new Counts(clocks.wall());
  }

  /** Has a service tell what it does. */
  Service open(WatchContext.Claim claim) {
    try {
      if (listener == null) {
        listener = outside.listener(dir, counts);
        producers = outside.producers(dir);
      }
    } catch (RuntimeException | Error e) {
      claim.giveUp(e);
      throw e;
    }
    return claim.open(new OutboxContext(counts, listener, producers, sync));
  }

  /** What its services did since it is shown. */
  Counts counts() {
    return counts;
  }

  /** Shows where it stands from now on. */
  void show(Supplier<PipelineStatus> status) {
    if (!shown) {
      shown = true;
      outside.watch(dir, status);
    }
  }

  void hide() {
    if (shown || listener != null) {
      shown = false;
      counts = new Counts(clocks.wall());
      listener = null;
      producers = null;
      outside.gone(dir);
    }
  }
}
