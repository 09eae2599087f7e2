package dev.outboxrelay.relay.pipeline;

import dev.outboxrelay.relay.deliver.DeliveryListener;
import dev.outboxrelay.relay.intake.IntakeListener;
import dev.outboxrelay.relay.tail.TailListener;

/**
 * What a pipeline tells while it runs. Called on the delivery thread, for each event: an
 * implementation must be quick, must not block and must not throw. It never sees a payload.
 *
 * <p>What to alert on:
 *
 * <ul>
 *   <li>{@link #deadLettered}, {@link #quarantined} and {@link #missing}: any at all. An event did
 *       not reach Kafka; its bytes are kept, for a missing one there are none.
 *   <li>{@link #stateChanged} to {@code paused-topic} or {@code paused-all} for more than a few
 *       minutes: somebody has to act. {@code fenced}: at once.
 *   <li>{@link #checkpointFailed}: repeatedly; duplicates after a restart grow with every second.
 *   <li>{@link #standingStill}: the reader can't get past damaged data, and salvages it.
 * </ul>
 *
 * {@code stalled} and {@code backing-off} are what an outage of Kafka looks like: alert on the age
 * of the oldest unsettled event instead.
 */
public interface PipelineListener extends DeliveryListener, IntakeListener, TailListener {

  /** Does nothing. */
  PipelineListener NONE = new PipelineListener() {};

  /** The position is on stable storage; everything up to this sequence is settled. */
  default void checkpointSaved(long sequence) {}

  default void checkpointFailed(String error) {}

  /**
   * A dead letter, quarantined bytes or a deletion could not be written; it is tried again, and
   * what it concerns is not settled before.
   */
  default void jobFailed(String what, String error) {}

  /**
   * The outbox was removed, moved or replaced: what was read of it is still delivered, then the
   * pipeline ends.
   */
  default void outboxGone() {}

  /** Settled cycles up to this one were deleted. */
  default void cycleDeleted(long cycle, long bytes) {}
}
