package dev.outboxrelay.relay.fleet;

import dev.outboxrelay.relay.deliver.Clocks;
import dev.outboxrelay.relay.fact.Counts;
import dev.outboxrelay.relay.fact.FactListener;
import dev.outboxrelay.relay.kafka.ProducerWatch;
import dev.outboxrelay.relay.pipeline.PipelineStatus;
import java.nio.file.Path;
import java.util.function.Supplier;

/**
 * What others see of one watched outbox: made when there is something to see, taken away while
 * another relay shows it. For one thread.
 */
final class OutboxSeries {
  private final Path dir;
  private final FleetListener outside;
  private final Clocks clocks;
  private Counts counts;
  private FactListener listener;
  private ProducerWatch producers;
  private boolean shown;

  OutboxSeries(Path dir, FleetListener outside, Clocks clocks) {
    this.dir = dir;
    this.outside = outside;
    this.clocks = clocks;
    this.counts = new Counts(clocks.wall());
  }

  /** Has a service tell what it does. */
  Service open(WatchContext.Claim claim) {
    if (listener == null) {
      listener = outside.listener(dir, counts);
      producers = outside.producers(dir);
    }
    return claim.open(counts, listener, producers);
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
