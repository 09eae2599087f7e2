package dev.outboxrelay.relay.fleet;

import dev.outboxrelay.relay.fact.Counts;
import dev.outboxrelay.relay.fact.FactListener;
import dev.outboxrelay.relay.kafka.ProducerWatch;
import dev.outboxrelay.relay.pipeline.PipelineStatus;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Supplier;

/** Told of outboxes that come and go. Thread-safe. */
public interface FleetListener {
  /**
   * Whom an outbox's pipelines tell; asked for once, before the first of them is opened.
   *
   * @param counts what they count, over all of them
   */
  FactListener listener(Path outbox, Counts counts);

  /** Who sees an outbox's producers; asked for once, too. */
  ProducerWatch producers(Path outbox);

  /**
   * There is something to show of an outbox.
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

  /**
   * An outbox is not ours to show any more, as its directory is gone or another relay serves it.
   * All of the above begins anew if it is once more.
   */
  void gone(Path outbox);
}
