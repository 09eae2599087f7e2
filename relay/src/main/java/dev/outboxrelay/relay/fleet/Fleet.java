package dev.outboxrelay.relay.fleet;

import dev.outboxrelay.relay.pipeline.OldestWaiting;
import dev.outboxrelay.relay.pipeline.PipelineEnd;
import java.util.concurrent.Future;

/** The outboxes that this process serves. Thread-safe. */
public interface Fleet extends AutoCloseable {
  /**
   * Begins to deliver, once.
   *
   * @return how it ended, once everything is closed; what was in flight is summed up. Never
   *     completes exceptionally
   */
  Future<PipelineEnd> start();

  /** What is going on, from memory alone. */
  FleetStatus status();

  /**
   * Looks at the files of all outboxes for the next {@link #status}. For one thread, which may hang
   * with a disk.
   *
   * @param oldest finds what waits
   */
  void look(OldestWaiting oldest);

  /** Asks all to stop; they do so within their one deadline. Returns at once, may be repeated. */
  void stop();

  /** Releases what was opened, if it was never started. */
  @Override
  void close();
}
