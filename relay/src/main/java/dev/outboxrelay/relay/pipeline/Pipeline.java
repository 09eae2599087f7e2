package dev.outboxrelay.relay.pipeline;

import dev.outboxrelay.relay.config.RelayConfig;

/**
 * One outbox's way to Kafka: its lock, its reader, its producer, its position. {@link #doWork()} is
 * one turn of its loop, for one thread; {@link #status()} may be called from any.
 */
public final class Pipeline implements AutoCloseable {

  private Pipeline() {}

  /**
   * Takes the relay's lock, makes the outbox usable and finds the place to go on from. Kafka need
   * not be there.
   *
   * @param listener told what happens, on the thread that calls {@link #doWork()}
   * @throws PipelineRefused with the reason and the way out
   */
  @SuppressWarnings("DoNotCallSuggester") // until the next step fills it
  public static Pipeline open(RelayConfig config, PipelineListener listener) {
    throw new PipelineRefused.Unusable("delivery is not built yet", null);
  }

  /** One turn of the loop; returns how much was done, 0 if there was nothing to do. */
  public int doWork() {
    return 0;
  }

  /** Stops reading; {@link #doWork()} then waits for what is in flight. From any thread. */
  public void stop() {}

  /** How it ended; null while it runs. */
  public PipelineEnd end() {
    return null;
  }

  /** What is going on. Cheap; from any thread. */
  @SuppressWarnings("DoNotCallSuggester")
  public PipelineStatus status() {
    throw new IllegalStateException("the pipeline is not open");
  }

  /** Releases everything; call it when {@link #end()} is known or the loop has stopped turning. */
  @Override
  public void close() {}
}
