package dev.outboxrelay.relay.fleet;

import dev.outboxrelay.relay.kafka.ProducerWatch;
import dev.outboxrelay.relay.pipeline.PipelineListener;
import dev.outboxrelay.relay.pipeline.PipelineStatus;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Supplier;

/** Told of outboxes that come and go. Thread-safe. */
public interface FleetListener {
  /** Whom an outbox's pipeline tells; asked for once, before it is opened for the first time. */
  PipelineListener listener(Path outbox);

  /** Who sees an outbox's producers; asked for once, too. */
  ProducerWatch producers(Path outbox);

  /**
   * An outbox was opened for the first time.
   *
   * @param status cheap and thread-safe, usable until the outbox is {@link #gone}
   */
  void watch(Path outbox, Supplier<PipelineStatus> status);

  /**
   * An outbox can't be served, or can be again.
   *
   * @param reason of {@link OutboxOnHold}; empty if there is none any more
   */
  void onHold(Path outbox, Optional<String> reason);

  /** An outbox is served no more, as its directory is gone. */
  void gone(Path outbox);
}
