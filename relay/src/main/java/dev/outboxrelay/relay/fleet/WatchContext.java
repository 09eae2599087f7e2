package dev.outboxrelay.relay.fleet;

import dev.outboxrelay.relay.deliver.Clocks;
import dev.outboxrelay.relay.pipeline.OutboxContext;
import dev.outboxrelay.relay.pipeline.PipelineRefused;
import dev.outboxrelay.relay.pipeline.Service;
import dev.outboxrelay.relay.sync.OutboxSync;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.function.Function;
import java.util.random.RandomGenerator;

/**
 * What all watched outboxes have in common.
 *
 * @param opener begins to serve one
 * @param files what the disk says
 * @param syncs makes what has an outbox synced, whether it is served or not
 * @param listener told of those that come and go
 * @param clocks the time
 * @param idleAfter how long one may be settled and quiet before it is put aside
 * @param random of waits; thread-safe
 * @param threads where a look at files may hang
 */
record WatchContext(
    Opener opener,
    OutboxFiles files,
    Function<Path, OutboxSync> syncs,
    FleetListener listener,
    Clocks clocks,
    Duration idleAfter,
    RandomGenerator random,
    Executor threads) {

  /** Begins to serve outboxes. */
  interface Opener {
    /**
     * Takes the relay's lock of an outbox, and leaves everything else of it as it is. Returns at
     * once.
     *
     * @throws PipelineRefused if it is not to be had
     */
    Claim claim(Path outbox);
  }

  /** An outbox that no other relay may serve. Used once. */
  interface Claim {
    /** Begins to serve it; returns at once. The claim ends with the service. */
    Service open(OutboxContext context);

    /**
     * Nobody will serve it, as that failed before: the next one may claim it.
     *
     * @param failure gets what fails here, too, as suppressed
     */
    void giveUp(Throwable failure);
  }
}
