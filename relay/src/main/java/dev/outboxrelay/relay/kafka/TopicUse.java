package dev.outboxrelay.relay.kafka;

import java.util.BitSet;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.common.utils.Utils;

/** What is known of a topic that the present producer writes. For one thread. */
final class TopicUse {
  private static final int UNKNOWN = -1;

  /**
   * Brokers forget a producer that is silent in a partition, after a day if nobody changed that. To
   * introduce it anew costs a round trip, once after so much silence, so this is short.
   */
  private static final long FORGOTTEN_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final String topic;
  private final int partitions;
  private final BitSet introduced = new BitSet();

  /** By partition, when a record was sent there last. */
  private final long[] sentNanos;

  private int introducing = UNKNOWN;
  private long lastNanos;

  TopicUse(String topic, int partitions, long nanos) {
    this.topic = topic;
    this.partitions = partitions;
    this.lastNanos = nanos;
    this.sentNanos = new long[partitions];
  }

  /** The same topic, asked for again: what brokers have heard of stays known. */
  TopicUse again(int partitionsNow, long nanos) {
    TopicUse again = new TopicUse(topic, partitionsNow, nanos);
    again.introduced.or(introduced);
    again.introducing = introducing;
    int kept = Math.min(partitions, partitionsNow);
    System.arraycopy(sentNanos, 0, again.sentNanos, 0, kept);
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
   * Whether no broker has acked anything yet, or not for long, in the partition to which Kafka's
   * own partitioner will send a record with this key. False where that can't be told; without a key
   * there is no order to keep among several partitions.
   */
  boolean introduces(byte[] key, long now) {
    int partition = partition(key);
    if (partition == UNKNOWN) {
      return false;
    }
    if (now - sentNanos[partition] >= FORGOTTEN_NANOS) {
      introduced.clear(partition);
    }
    sentNanos[partition] = now;
    if (introduced.get(partition)) {
      return false;
    }
    introducing = partition;
    return true;
  }

  /** The record that was introduced is acked; a partitioner of the user's may have moved it. */
  void introduced(int partition) {
    introduced.set(partition);
    if (introducing != UNKNOWN) {
      introduced.set(introducing);
    }
  }

  private int partition(byte[] key) {
    if (partitions == 1) {
      return 0;
    }
    return key == null ? UNKNOWN : Utils.toPositive(Utils.murmur2(key)) % partitions;
  }
}
