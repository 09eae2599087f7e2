package dev.outboxrelay.relay.deliver.route;

/** A record that brokers hear of a sender by. */
public interface Introduction {
  /** Whether Kafka's answer is awaited. */
  boolean awaitsKafka();

  /** The partition in which Kafka has it; negative before, and if it never does. */
  int ackedPartition();
}
