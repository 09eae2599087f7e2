package dev.outboxrelay.relay.history;

import dev.outboxrelay.relay.deliver.Clocks;
import dev.outboxrelay.relay.pipeline.PipelineStatus;
import java.util.List;
import java.util.function.Supplier;

/** Takes a sample of every outbox when the next one is due. A duty cycle, for one thread. */
final class Sampler {
  private final History history;
  private final Supplier<List<PipelineStatus>> outboxes;
  private final Clocks clocks;
  private long nextNanos;

  /**
   * Makes one; the first sample is due at once.
   *
   * @param outboxes what is served now
   */
  Sampler(History history, Supplier<List<PipelineStatus>> outboxes, Clocks clocks) {
    this.history = history;
    this.outboxes = outboxes;
    this.clocks = clocks;
    this.nextNanos = clocks.nanos();
  }

  /** Returns how many outboxes were sampled, 0 if that is not due. */
  int doWork() {
    long now = clocks.nanos();
    if (now - nextNanos < 0) {
      return 0;
    }
    nextNanos = now + History.INTERVAL.toNanos();
    List<PipelineStatus> all = outboxes.get();
    history.add(all, clocks);
    return all.size();
  }

  /** How long nothing is due, 0 if something is. */
  long idleNanos() {
    return Math.max(0, nextNanos - clocks.nanos());
  }
}
