package dev.outboxrelay.relay.fleet;

import dev.outboxrelay.relay.deliver.DeliveryState;
import dev.outboxrelay.relay.fact.Trouble;
import dev.outboxrelay.relay.pipeline.PipelineStatus;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * All outboxes of the process at one moment. Immutable.
 *
 * @param open those that are served
 * @param onHold those that can't be served now, and why
 * @param watchTickNanos {@code System.nanoTime()} of the last look for outboxes; empty if none is
 *     looked for, as the process serves just one
 * @param troubles what is wrong with the process as a whole
 */
public record FleetStatus(
    List<PipelineStatus> open,
    List<OutboxOnHold> onHold,
    OptionalLong watchTickNanos,
    List<Trouble> troubles) {

  /** A turn of a loop takes milliseconds, and about a second at most: a later one is stuck. */
  public static final Duration PATIENCE = Duration.ofSeconds(15);

  public FleetStatus {
    open = List.copyOf(open);
    onHold = List.copyOf(onHold);
    troubles = List.copyOf(troubles);
  }

  /** Of a process that is well itself. */
  public FleetStatus(
      List<PipelineStatus> open, List<OutboxOnHold> onHold, OptionalLong watchTickNanos) {
    this(open, onHold, watchTickNanos, List.of());
  }

  /** The same of a process with something wrong. */
  public FleetStatus with(List<Trouble> ofProcess) {
    return new FleetStatus(open, onHold, watchTickNanos, ofProcess);
  }

  /** Of a process that serves one outbox. */
  public static FleetStatus of(PipelineStatus status) {
    return new FleetStatus(List.of(status), List.of(), OptionalLong.empty());
  }

  /** Whether it does what it is there for: serve an outbox, or watch for some. */
  public boolean isReady() {
    return watchTickNanos.isPresent() || !open.isEmpty();
  }

  /**
   * Names a loop that does not turn, if a restart of the process may mend that. One of several that
   * turn is stuck by itself, with its disk: the others would be interrupted for nothing.
   *
   * @param now of the clock of {@link PipelineStatus#tickNanos()}
   * @param patience how long a turn may take
   */
  public Optional<String> stuck(long now, Duration patience) {
    if (watchTickNanos.isPresent() && isLate(now, watchTickNanos.getAsLong(), patience)) {
      return Optional.of(
          "the search for outboxes has not turned for "
              + seconds(now, watchTickNanos.getAsLong())
              + " s");
    }
    List<PipelineStatus> loops =
        open.stream()
            .filter(status -> !(status.state().sender() instanceof DeliveryState.Idle))
            .toList();
    return loops.stream().allMatch(status -> isLate(now, status.tickNanos(), patience))
        ? stuck(now, loops)
        : Optional.empty();
  }

  private static Optional<String> stuck(long now, List<PipelineStatus> loops) {
    return loops.stream()
        .findFirst()
        .map(
            status ->
                "the loop of "
                    + status.outbox()
                    + " has not turned for "
                    + seconds(now, status.tickNanos())
                    + " s");
  }

  private static boolean isLate(long now, long tick, Duration patience) {
    return now - tick > patience.toNanos();
  }

  private static long seconds(long now, long tick) {
    return Duration.ofNanos(now - tick).toSeconds();
  }
}
