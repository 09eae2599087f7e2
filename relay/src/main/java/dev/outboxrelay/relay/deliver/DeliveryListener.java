package dev.outboxrelay.relay.deliver;

/** What delivery tells while it goes on. Called on the delivery thread; must be quick. */
public interface DeliveryListener {

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
}
