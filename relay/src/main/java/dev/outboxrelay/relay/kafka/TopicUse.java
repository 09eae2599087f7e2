package dev.outboxrelay.relay.kafka;

import java.util.BitSet;
import java.util.concurrent.TimeUnit;

/** What is known of a topic that the present producer writes. For one thread. */
final class TopicUse {
  /**
   * Brokers forget a producer that is silent in a partition, after a day if nobody changed that. To
   * introduce it anew costs a round trip, once after so much silence, so this is short.
   */
  private static final long FORGOTTEN_NANOS = TimeUnit.SECONDS.toNanos(1);

  private static final int NEVER = -1;

  private final String topic;
  private final int partitions;
  private final BitSet introduced = new BitSet();

  /** By partition, when a record was sent there last, or the one that introduced it was acked. */
  private final long[] heardNanos;

  private long lastNanos;
  private int comparedUpdates = NEVER;

  TopicUse(String topic, int partitions, long nanos) {
    this.topic = topic;
    this.partitions = partitions;
    this.lastNanos = nanos;
    this.heardNanos = new long[partitions];
  }

  /** The same topic, asked for again: what brokers have heard of stays known. */
  TopicUse again(int partitionsNow, long nanos) {
    TopicUse again = new TopicUse(topic, partitionsNow, nanos);
    again.introduced.or(introduced);
    System.arraycopy(heardNanos, 0, again.heardNanos, 0, Math.min(partitions, partitionsNow));
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

  /** Whether the number of partitions was compared since the producer got metadata so often. */
  boolean isComparedWith(int updates) {
    return comparedUpdates == updates;
  }

  void comparedWith(int updates) {
    comparedUpdates = updates;
  }

  void used(long nanos) {
    lastNanos = nanos;
  }

  /**
   * Whether no broker has acked anything yet, or not for long, in this partition, to which a record
   * goes now. False for {@link Partitioning#ANY}: without a key there is no order to keep among
   * several partitions.
   */
  boolean introduces(int partition, long now) {
    int target = partitions == 1 ? 0 : partition;
    if (target == Partitioning.ANY || target >= partitions) {
      return false;
    }
    if (now - heardNanos[target] >= FORGOTTEN_NANOS) {
      introduced.clear(target);
    }
    heardNanos[target] = now;
    return !introduced.get(target);
  }

  /** A record was acked in this partition, however long that took. */
  void introduced(int partition, long now) {
    introduced.set(partition);
    if (partition < partitions) {
      heardNanos[partition] = now;
    }
  }
}
