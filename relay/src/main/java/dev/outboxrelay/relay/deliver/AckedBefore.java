package dev.outboxrelay.relay.deliver;

import dev.outboxrelay.relay.deliver.route.TopicSource;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.UUID;

/**
 * What Kafka had acked when a rewind took it out of the window, because something before it was
 * not: it comes again, and is not sent again. Only what no record of its own partition was before
 * that is still to be sent: a consumer would else see that one last. For one thread.
 */
final class AckedBefore {
  private final Map<Long, Ack> acks = new HashMap<>();

  /** The cluster that has them; null if that is not known. */
  private String cluster;

  /** Whether the present sender's brokers are that cluster's. */
  private boolean confirmed;

  private record Ack(UUID eventId, int partition, long sentNanos) {}

  /** Takes note of what is acked in a window that is about to be discarded; returns how many. */
  int remember(Window window) {
    int[] remembered = {0};
    Map<String, Set<Integer>> unacked = new HashMap<>();
    window.each(
        record -> {
          boolean acked = record.ackedPartition() != TopicSource.ANY;
          if (acked && !isBehind(unacked.get(record.topic()), record.ackedPartition())) {
            acks.put(
                record.sequence(),
                new Ack(record.eventId(), record.ackedPartition(), record.sentNanos()));
            remembered[0]++;
          } else if (record.outcome() == InFlight.Outcome.DELIVERED && !acked) {
            unacked
                .computeIfAbsent(record.topic(), any -> new HashSet<>())
                .add(record.targetPartition());
          }
        });
    return remembered[0];
  }

  private static boolean isBehind(Set<Integer> unacked, int partition) {
    return unacked != null && (unacked.contains(partition) || unacked.contains(TopicSource.ANY));
  }

  /** Whether a record that comes again was acked. */
  boolean has(InFlight record) {
    Ack ack = acks.isEmpty() ? null : acks.get(record.sequence());
    return ack != null && ack.eventId.equals(record.eventId());
  }

  /** A record that comes again is done, as it was acked. */
  void settle(InFlight record) {
    Ack ack = acks.get(record.sequence());
    record.ackedBefore(ack.sentNanos, ack.partition);
  }

  /** Everything up to this sequence is settled. */
  void settledUpTo(long sequence) {
    if (!acks.isEmpty()) {
      acks.keySet().removeIf(one -> one <= sequence);
    }
  }

  /** Another sender follows, and nobody knows yet whose brokers it finds. */
  void renew() {
    confirmed = false;
  }

  /** The present sender's brokers are of this cluster. What another one acked is of no use here. */
  void seen(String id) {
    if (!id.equals(cluster)) {
      acks.clear();
    }
    cluster = id;
    confirmed = true;
  }

  /** Whether the present sender's brokers are known to be those that have acked this. */
  boolean isConfirmed() {
    return confirmed;
  }

  /** What was acked is not to be found where the events go now. */
  void forget() {
    acks.clear();
  }
}
