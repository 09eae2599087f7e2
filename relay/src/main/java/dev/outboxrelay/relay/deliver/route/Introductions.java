package dev.outboxrelay.relay.deliver.route;

import java.util.Arrays;
import java.util.BitSet;
import java.util.concurrent.TimeUnit;

/** In which partitions of one topic brokers know the present sender. For one thread. */
final class Introductions {
  /**
   * Brokers forget a producer that is silent in a partition, after a day if nobody changed that. To
   * introduce it anew costs a round trip, once after so much silence, so this is short.
   */
  private static final long FORGOTTEN_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final BitSet introduced = new BitSet();
  private int partitions;

  /** By partition, when a record was sent there last, or the one that introduced it was acked. */
  private long[] heardNanos = {};

  /** The topic has so many partitions now. */
  void partitions(int now) {
    partitions = now;
    heardNanos = Arrays.copyOf(heardNanos, Math.max(now, heardNanos.length));
  }

  /** Another sender follows. */
  void forget() {
    partitions = 0;
    introduced.clear();
  }

  /** What introduced the sender is acked, in a partition; negative if it never was. */
  void acked(int partition, long now) {
    if (partition >= 0) {
      introduced.set(partition);
      heard(partition, now);
    }
  }

  /** A record was sent to a partition; negative if that is not known. */
  void heard(int partition, long now) {
    if (partition >= 0 && partition < partitions) {
      heardNanos[partition] = now;
    }
  }

  /** Whether no broker has acked anything there yet, or not for long. */
  boolean isNeeded(int partition, long now) {
    if (partition >= partitions) {
      return false;
    }
    if (now - heardNanos[partition] >= FORGOTTEN_NANOS) {
      introduced.clear(partition);
    }
    return !introduced.get(partition);
  }
}
