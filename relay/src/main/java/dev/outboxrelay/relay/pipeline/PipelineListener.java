package dev.outboxrelay.relay.pipeline;

import dev.outboxrelay.relay.deliver.DeadLetterReason;
import dev.outboxrelay.relay.deliver.DeliveryState;
import dev.outboxrelay.relay.deliver.Verdict;

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
public interface PipelineListener {

  /** Does nothing. */
  PipelineListener NONE = new PipelineListener() {};

  /**
   * Kafka acked an event.
   *
   * @param bytes size of its record in the queue
   * @param latencyMillis from its append to the ack, not below 0
   */
  default void delivered(String topic, int bytes, long latencyMillis) {}

  /** A send failed; {@code topic} is null if it concerns no single topic. */
  default void sendFailed(Verdict verdict, String topic) {}

  /** Delivery went back to the oldest unsettled event; so many will be sent again. */
  default void rewound(int records) {}

  default void stateChanged(DeliveryState from, DeliveryState to) {}

  /** An event was moved to the dead letters, durably. */
  default void deadLettered(String topic, DeadLetterReason reason, long sequence) {}

  /** Bytes that are no valid record were set aside, durably. */
  default void quarantined(long cycle, long offset, long bytes, String reason) {}

  /** No record carries these sequences, both inclusive. */
  default void missing(long first, long last) {}

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
