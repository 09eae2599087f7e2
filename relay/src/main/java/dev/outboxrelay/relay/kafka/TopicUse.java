package dev.outboxrelay.relay.kafka;

import java.util.BitSet;

/** What is known of a topic that the present producer writes. For one thread. */
final class TopicUse {
  private final String topic;
  private final int partitions;
  private final BitSet introduced = new BitSet();
  private long lastNanos;

  TopicUse(String topic, int partitions, long nanos) {
    this.topic = topic;
    this.partitions = partitions;
    this.lastNanos = nanos;
  }

  /** The same topic, asked for again: what brokers have heard of stays known. */
  TopicUse again(int partitionsNow, long nanos) {
    TopicUse again = new TopicUse(topic, partitionsNow, nanos);
    again.introduced.or(introduced);
    return again;
  }

  boolean isOf(String other) {
    return topic.equals(other);
  }

  int partitions() {
    return partitions;
  }

  long lastNanos() {
    return lastNanos;
  }

  void used(long nanos) {
    lastNanos = nanos;
  }

  /**
   * Whether no broker has acked anything yet in this partition. False for {@link Partitioning#ANY}:
   * without a key there is no order to keep among several partitions.
   */
  boolean introduces(int partition) {
    int target = partitions == 1 ? 0 : partition;
    return target != Partitioning.ANY && !introduced.get(target);
  }

  /** A record was acked in this partition. */
  void introduced(int partition) {
    introduced.set(partition);
  }
}
