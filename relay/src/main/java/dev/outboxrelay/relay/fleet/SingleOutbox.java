package dev.outboxrelay.relay.fleet;

import dev.outboxrelay.relay.config.RelayConfig;
import dev.outboxrelay.relay.deliver.Clocks;
import dev.outboxrelay.relay.fact.Counts;
import dev.outboxrelay.relay.kafka.settings.KafkaSettings;
import dev.outboxrelay.relay.pipeline.OldestWaiting;
import dev.outboxrelay.relay.pipeline.OutboxContext;
import dev.outboxrelay.relay.pipeline.Pipeline;
import dev.outboxrelay.relay.pipeline.PipelineEnd;
import dev.outboxrelay.relay.pipeline.PipelineRunner;
import dev.outboxrelay.relay.sync.OutboxSync;
import dev.outboxrelay.relay.sync.SyncThread;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Future;
import java.util.function.Supplier;

/** The one outbox of {@code OUTBOX_DIR}: whatever ends its pipeline ends the process. */
public final class SingleOutbox implements Fleet {
  private final Pipeline pipeline;
  private final OutboxSync sync;
  private final SyncThread syncThread;
  private volatile boolean started;

  private SingleOutbox(Pipeline pipeline, OutboxSync sync, SyncThread syncThread) {
    this.pipeline = pipeline;
    this.sync = sync;
    this.syncThread = syncThread;
  }

  /**
   * Opens the outbox.
   *
   * @param kafka the settings in use, from any thread
   * @throws dev.outboxrelay.relay.pipeline.PipelineRefused with the reason and the way out
   */
  public static SingleOutbox open(
      RelayConfig config, Supplier<KafkaSettings> kafka, FleetListener listener) {
    Path dir = config.outboxDir();
    Counts counts = new Counts(Clocks.SYSTEM.wall());
    OutboxSync sync = new OutboxSync(config.writerOptions(), Clocks.SYSTEM.wall());
    OutboxContext context =
        new OutboxContext(counts, listener.listener(dir, counts), listener.producers(dir), sync);
    Pipeline pipeline = Pipeline.open(config, kafka, context);
    listener.watch(dir, pipeline::status);
    return new SingleOutbox(
        pipeline, sync, SyncThread.start(() -> List.of(sync), config.syncInterval()));
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
  public void look(OldestWaiting oldest) {
    pipeline.look(oldest);
  }

  @Override
  public void stop() {
    pipeline.stop();
  }

  @Override
  public void close() {
    syncThread.close();
    sync.close();
    if (!started) {
      pipeline.close();
    }
  }
}
