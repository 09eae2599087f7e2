package dev.outboxrelay.relay.fleet;

import dev.outboxrelay.relay.config.RelayConfig;
import dev.outboxrelay.relay.deliver.Clocks;
import dev.outboxrelay.relay.fact.Counts;
import dev.outboxrelay.relay.kafka.settings.KafkaSettings;
import dev.outboxrelay.relay.pipeline.Pipeline;
import dev.outboxrelay.relay.pipeline.PipelineEnd;
import dev.outboxrelay.relay.pipeline.PipelineRunner;
import java.util.concurrent.Future;
import java.util.function.Supplier;

/** The one outbox of {@code OUTBOX_DIR}: whatever ends its pipeline ends the process. */
public final class SingleOutbox implements Fleet {
  private final Pipeline pipeline;
  private volatile boolean started;

  private SingleOutbox(Pipeline pipeline) {
    this.pipeline = pipeline;
  }

  /**
   * Opens the outbox.
   *
   * @param kafka the settings in use, from any thread
   * @throws dev.outboxrelay.relay.pipeline.PipelineRefused with the reason and the way out
   */
  public static SingleOutbox open(
      RelayConfig config, Supplier<KafkaSettings> kafka, FleetListener listener) {
    Counts counts = new Counts(Clocks.SYSTEM.wall());
    Pipeline pipeline =
        Pipeline.open(
            config,
            kafka,
            counts,
            listener.listener(config.outboxDir(), counts),
            listener.producers(config.outboxDir()));
    listener.watch(config.outboxDir(), pipeline::status);
    return new SingleOutbox(pipeline);
  }

  @Override
  public Future<PipelineEnd> start() {
    started = true;
    return PipelineRunner.start(pipeline).end();
  }

  @Override
  public FleetStatus status() {
    return FleetStatus.of(pipeline.status());
  }

  @Override
  public void stop() {
    pipeline.stop();
  }

  @Override
  public void close() {
    if (!started) {
      pipeline.close();
    }
  }
}
