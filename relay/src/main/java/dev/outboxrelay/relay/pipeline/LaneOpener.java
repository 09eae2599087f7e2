package dev.outboxrelay.relay.pipeline;

import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.relay.config.RelayConfig;
import dev.outboxrelay.relay.deliver.Clocks;
import dev.outboxrelay.relay.deliver.WindowBudget;
import dev.outboxrelay.relay.fact.Counts;
import dev.outboxrelay.relay.fact.Fact;
import dev.outboxrelay.relay.fact.FactListener;
import dev.outboxrelay.relay.fact.Trouble;
import dev.outboxrelay.relay.kafka.ProducerWatch;
import dev.outboxrelay.relay.kafka.settings.KafkaSettings;
import dev.outboxrelay.relay.settle.Outcomes;
import dev.outboxrelay.relay.settle.ParkedStore;
import dev.outboxrelay.relay.sync.OutboxSync;
import java.nio.file.Path;
import java.util.function.BiFunction;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/** Opens the lanes of one outbox. Thread-safe. */
final class LaneOpener implements BiFunction<String, Trouble, Service> {
  private final RelayConfig config;
  private final Supplier<KafkaSettings> kafka;
  private final OutboxContext main;
  private final Clocks clocks;
  private final Company company;
  private final OutboxPaths paths;
  private final Outcomes outcomes;
  private final ParkedStore parked;
  private final LongSupplier saved;

  /**
   * Opens nothing yet.
   *
   * @param main what outlives the outbox's own pipeline, which is told what the lanes do, too
   * @param company of the outbox's own pipeline
   * @param paths of the outbox, as it is held
   * @param outcomes of its events
   * @param parked what of it is parked
   * @param saved the sequence that its saved position covers, from any thread
   */
  LaneOpener(
      RelayConfig config,
      Supplier<KafkaSettings> kafka,
      OutboxContext main,
      Clocks clocks,
      Company company,
      OutboxPaths paths,
      Outcomes outcomes,
      ParkedStore parked,
      LongSupplier saved) {
    this.config = config;
    this.kafka = kafka;
    this.main = main;
    this.clocks = clocks;
    this.paths = paths;
    this.outcomes = outcomes;
    this.parked = parked;
    this.saved = saved;
    WindowBudget budget = company.ofLanes(config.window().maxBytes());
    this.company =
        new Company.Shared(new Shares(budget, company.parked(), company.lanes(), company.copies()));
  }

  @Override
  public Service apply(String topic, Trouble barredBefore) {
    Path dir = new OutboxPaths(config.outboxDir()).parked(topic).root();
    LaneOf lane =
        new LaneOf(topic, paths, outcomes, parked, saved, barredBefore, clocks.monotonic());
    return PipelineThread.start(dir, () -> open(dir, lane));
  }

  private Pipeline open(Path dir, LaneOf lane) {
    RelayConfig ofLane = config.forOutbox(dir);
    OutboxContext context =
        new OutboxContext(
            new Counts(clocks.wall()),
            new ToldToMain(main),
            ProducerWatch.NONE,
            new OutboxSync(ofLane.writerOptions(), clocks.wall()));
    RelayLock lock = RelayLock.take(dir);
    return PipelineAssembly.open(ofLane, kafka, lock, context, clocks, company, lane);
  }

  /** What becomes of events counts for the outbox that they came from. */
  private record ToldToMain(OutboxContext main) implements FactListener {
    @Override
    public void tell(Fact fact) {
      boolean ofEvents =
          fact instanceof Fact.Delivered
              || fact instanceof Fact.SendFailed
              || fact instanceof Fact.Rewound
              || fact instanceof Fact.DeadLettered
              || fact instanceof Fact.Quarantined
              || fact instanceof Fact.Missing;
      if (ofEvents) {
        main.counts().tell(fact);
        main.listener().tell(fact);
      }
    }
  }
}
