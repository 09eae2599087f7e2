package dev.outboxrelay.relay.pipeline;

/** Somebody's outbox as others see it. */
@FunctionalInterface
public interface Observed {
  /** What is going on, from memory alone. From any thread. */
  PipelineStatus status();

  /**
   * Looks at its files for the next {@link #status()}, which may take long or hang with the disk.
   * For one thread.
   *
   * @param oldest finds what waits
   */
  default void look(OldestWaiting oldest) {}
}
