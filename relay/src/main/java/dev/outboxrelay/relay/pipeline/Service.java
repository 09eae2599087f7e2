package dev.outboxrelay.relay.pipeline;

/** One try to serve an outbox: it opens, delivers and closes, on its own. Thread-safe. */
public interface Service {
  /** How far it is. */
  Stage stage();

  /** Asks it to end; returns at once, may be repeated. */
  void stop();

  /** The same, and it does not wait for what is on its way. */
  void giveUp();

  /** What a service goes through, in this order; the last two are ends. */
  sealed interface Stage {
    record Opening() implements Stage {}

    record Open(Observed outbox) implements Stage {}

    /**
     * It never came to deliver.
     *
     * @param cause a {@link PipelineRefused}, or a defect
     */
    record Refused(Throwable cause) implements Stage {}

    /**
     * It is closed.
     *
     * @param last what it told at the end
     */
    record Ended(PipelineEnd end, PipelineStatus last) implements Stage {}
  }
}
