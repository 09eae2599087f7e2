package dev.outboxrelay.relay.pipeline;

import dev.outboxrelay.relay.deliver.DeliveryListener;

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
public interface PipelineListener extends DeliveryListener {

  /** Does nothing. */
  PipelineListener NONE = new PipelineListener() {};

  /** A valid record whose sequence is not above that of the one before; it is delivered. */
  default void outOfSequence(long sequence, long previous) {}

  /** The writers' position moved on while the reader found nothing at this place. */
  default void standingStill(long cycle, long offset, String reason) {}

  /** The position is on stable storage; everything up to this sequence is settled. */
  default void checkpointSaved(long sequence) {}

  default void checkpointFailed(String error) {}

  /** A settled cycle was deleted. */
  default void cycleDeleted(long cycle, long bytes) {}
}
