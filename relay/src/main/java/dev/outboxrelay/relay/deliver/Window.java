package dev.outboxrelay.relay.deliver;

import java.util.ArrayDeque;
import java.util.BitSet;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * What was read and is not settled, in the order of the queue. Bounded by records and by bytes; a
 * single record larger than all bytes still fits an empty window, if the lease covers it. Only what
 * is settled from the front without a gap leaves it, so that the position never passes an open
 * record.
 */
final class Window {
  private final int maxRecords;
  private final long maxBytes;
  private final Lease lease;
  private final ArrayDeque<InFlight> records = new ArrayDeque<>();
  private long bytes;

  /**
   * Topics of which something was sent since all was discarded last; of others nothing can be on
   * its way, for which nobody has to look through the whole window.
   */
  private final Set<String> sent = new HashSet<>();

  private String sentLast;

  Window(int maxRecords, long maxBytes, Lease lease) {
    this.maxRecords = maxRecords;
    this.maxBytes = maxBytes;
    this.lease = lease;
  }

  /** Whether a record of this size may be added. */
  boolean hasRoomFor(long size) {
    return (records.isEmpty() || (records.size() < maxRecords && bytes + size <= maxBytes))
        && lease.covers(records.size() + 1, bytes + size);
  }

  void add(InFlight record) {
    records.addLast(record);
    bytes += record.bytes();
  }

  /** A record of this topic is about to be sent. */
  void sending(String topic) {
    if (!topic.equals(sentLast)) { // neighbours are often of one topic
      sent.add(topic);
      sentLast = topic;
    }
  }

  /** Takes out all that is settled at the front, in order; returns how many. */
  int settle(Acks acks, Consumer<InFlight> each) {
    int settled = 0;
    for (InFlight first = records.peekFirst();
        first != null && first.isDone() && acks.count(first, this::front);
        first = records.peekFirst()) {
      records.removeFirst();
      bytes -= first.bytes();
      each.accept(first);
      settled++;
    }
    if (settled > 0 && records.isEmpty()) {
      lease.emptied();
    }
    return settled;
  }

  private List<InFlight> front() {
    return records.stream().takeWhile(InFlight::isDone).collect(Collectors.toList());
  }

  /** All of it, in order. */
  void each(Consumer<InFlight> visitor) {
    records.forEach(visitor);
  }

  /** Takes out everything, settled or not; returns how many of them had been sent. */
  int discardAll() {
    int discarded = (int) records.stream().filter(record -> !record.isWaiting()).count();
    records.forEach(InFlight::discard);
    records.clear();
    sent.clear();
    sentLast = null;
    bytes = 0;
    lease.close();
    return discarded;
  }

  /** The oldest one for which Kafka's answer is awaited, or null. */
  InFlight oldestAwaitingKafka() {
    for (InFlight record : records) {
      if (record.awaitsKafka()) {
        return record;
      }
    }
    return null;
  }

  /** Whether Kafka's answer is awaited for any record that was sent after that. */
  boolean awaitsKafkaSince(long nanos) {
    return records.stream().anyMatch(each -> each.awaitsKafka() && each.sentNanos() - nanos > 0);
  }

  /** Whether Kafka's answer is awaited for any record of a topic. */
  boolean awaitsKafka(String topic) {
    return sent.contains(topic)
        && records.stream().anyMatch(each -> each.awaitsKafka() && topic.equals(each.topic()));
  }

  /** Whether a record of a topic was sent and is not acked, so that it may come again. */
  boolean mayRepeat(String topic) {
    return sent.contains(topic)
        && records.stream().anyMatch(each -> each.mayRepeat() && topic.equals(each.topic()));
  }

  /** The first of each topic that was sent by then and for which Kafka's answer is awaited. */
  Collection<InFlight> awaitedByTopic(long nanos) {
    Map<String, InFlight> first = new LinkedHashMap<>();
    for (InFlight each : records) {
      if (each.awaitsKafka() && each.sentNanos() - nanos <= 0) {
        first.putIfAbsent(each.topic(), each);
      }
    }
    return first.values();
  }

  /** Whether a record of another topic that was sent then or later is acked. */
  boolean othersAreAckedBehind(InFlight record) {
    return records.stream()
        .anyMatch(
            each ->
                each.ackedPartition() >= 0
                    && !record.topic().equals(each.topic())
                    && each.sentNanos() - record.sentNanos() >= 0);
  }

  /**
   * Whether there is another topic that has acked what stands behind this record, whenever that was
   * sent, and that nothing is awaited of: while something is, it may be as silent.
   */
  boolean isAnotherAllAcked(InFlight record) {
    Set<String> acked = new HashSet<>();
    Set<String> awaited = new HashSet<>(Set.of(record.topic()));
    for (InFlight each : records) {
      if (each.awaitsKafka()) {
        awaited.add(each.topic());
      } else if (each.ackedPartition() >= 0 && each.sequence() > record.sequence()) {
        acked.add(each.topic());
      }
    }
    return !awaited.containsAll(acked);
  }

  /** How many partitions have acked a record of the same topic that was sent after this one. */
  int partitionsAckedBehind(InFlight record) {
    BitSet acked = new BitSet();
    boolean behind = false;
    for (InFlight each : records) {
      if (behind && each.ackedPartition() >= 0 && record.topic().equals(each.topic())) {
        acked.set(each.ackedPartition());
      }
      behind |= each == record;
    }
    return acked.cardinality();
  }

  /** Whether Kafka has a record of this topic between these two. */
  boolean wasAcked(String topic, long behind, long before) {
    return records.stream()
        .anyMatch(
            each ->
                each.ackedPartition() >= 0
                    && topic.equals(each.topic())
                    && each.sequence() > behind
                    && each.sequence() < before);
  }

  /** Whether an ack, or the completion of a dead letter, may still come. */
  boolean awaitsAnything() {
    for (InFlight record : records) {
      if (!record.isDone() && !record.isWaiting()) {
        if (record.error() == null || record.outcome() == InFlight.Outcome.DEAD) {
          return true;
        }
      }
    }
    return false;
  }

  InFlight oldest() {
    return records.peekFirst();
  }

  int size() {
    return records.size();
  }

  long bytes() {
    return bytes;
  }
}
