package dev.outboxrelay.relay.history;

import dev.outboxrelay.relay.deliver.Clocks;
import dev.outboxrelay.relay.pipeline.PipelineStatus;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Turns a sampler on a thread of its own, so that a loop that is stuck is seen to be. */
public final class SamplerThread implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(SamplerThread.class);

  private final Sampler sampler;
  private final Thread thread;
  private volatile boolean stopped;

  private SamplerThread(Sampler sampler) {
    this.sampler = sampler;
    this.thread = new Thread(this::run, "outbox-history");
    this.thread.setDaemon(true);
  }

  /**
   * Starts the thread.
   *
   * @param outboxes what is served now; thread-safe
   */
  public static SamplerThread start(History history, Supplier<List<PipelineStatus>> outboxes) {
    SamplerThread started = new SamplerThread(new Sampler(history, outboxes, Clocks.SYSTEM));
    started.thread.start();
    return started;
  }

  private void run() {
    while (!stopped) {
      try {
        sampler.doWork();
      } catch (RuntimeException | Error e) {
        // The page lacks a sample; delivery is not concerned, and the thread goes on.
        LOG.atWarn().setCause(e).log("no sample for the status page");
      }
      LockSupport.parkNanos(this, sampler.idleNanos());
    }
  }

  /** Ends the thread; does not wait for it. */
  @Override
  public void close() {
    stopped = true;
    LockSupport.unpark(thread);
  }
}
