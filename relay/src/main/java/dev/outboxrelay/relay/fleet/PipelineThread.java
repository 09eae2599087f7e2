package dev.outboxrelay.relay.fleet;

import dev.outboxrelay.relay.config.RelayConfig;
import dev.outboxrelay.relay.deliver.WindowBudget;
import dev.outboxrelay.relay.kafka.settings.KafkaSettings;
import dev.outboxrelay.relay.pipeline.OutboxContext;
import dev.outboxrelay.relay.pipeline.Pipeline;
import dev.outboxrelay.relay.pipeline.PipelineEnd;
import dev.outboxrelay.relay.pipeline.PipelineRefused;
import dev.outboxrelay.relay.pipeline.PipelineRunner;
import dev.outboxrelay.relay.pipeline.RelayLock;
import dev.outboxrelay.relay.rounds.WorkThread;
import java.io.IOException;
import java.util.function.Supplier;
import org.slf4j.MDC;

/**
 * Serves an outbox on a thread of its own from the opening on, which may wait for a writer's lock
 * or a slow disk: no outbox waits for another.
 */
final class PipelineThread implements Service {
  private final RelayConfig config;
  private final Supplier<KafkaSettings> kafka;
  private final RelayLock lock;
  private final OutboxContext context;
  private final WindowBudget budget;
  private volatile Stage stage = new Stage.Opening();
  private volatile boolean stopping;
  private volatile Pipeline pipeline;

  private PipelineThread(
      RelayConfig config,
      Supplier<KafkaSettings> kafka,
      RelayLock lock,
      OutboxContext context,
      WindowBudget budget) {
    this.config = config;
    this.kafka = kafka;
    this.lock = lock;
    this.context = context;
    this.budget = budget;
  }

  /**
   * Begins.
   *
   * @param config of this outbox
   * @param kafka the settings in use, from any thread
   * @param lock of it; it ends with the service
   * @throws PipelineRefused if there are no more threads; the lock is released then
   */
  static Service start(
      RelayConfig config,
      Supplier<KafkaSettings> kafka,
      RelayLock lock,
      OutboxContext context,
      WindowBudget budget) {
    PipelineThread service = new PipelineThread(config, kafka, lock, context, budget);
    Thread thread = new WorkThread(service::run, "outbox-delivery");
    try {
      thread.start();
    } catch (WorkThread.Unavailable e) {
      release(lock, e);
      throw new PipelineRefused.Unusable(config.outboxDir() + ": " + e.getMessage(), e);
    }
    return service;
  }

  private static void release(RelayLock lock, RuntimeException before) {
    try {
      lock.close();
    } catch (IOException e) {
      before.addSuppressed(e);
    }
  }

  private void run() {
    MDC.put("outbox", config.outboxDir().toString());
    Pipeline opened;
    try {
      opened = Pipeline.open(config, kafka, lock, context, budget);
    } catch (PipelineRefused e) {
      stage = new Stage.Refused(OutboxOnHold.reason(e), e.getMessage());
      return;
    } catch (OutOfMemoryError e) {
      throw e; // ends the process
    } catch (Throwable e) {
      stage = new Stage.Refused(OutboxOnHold.FAILED, e.toString());
      return;
    }
    pipeline = opened;
    stage = new Stage.Open(opened);
    if (stopping) {
      opened.stop();
    }
    PipelineEnd end = PipelineRunner.turn(opened);
    stage = new Stage.Ended(end, opened.status());
  }

  @Override
  public Stage stage() {
    return stage;
  }

  @Override
  public void stop() {
    stopping = true;
    Pipeline open = pipeline;
    if (open != null) {
      open.stop();
    }
  }
}
