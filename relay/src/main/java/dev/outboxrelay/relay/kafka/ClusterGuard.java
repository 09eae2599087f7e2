package dev.outboxrelay.relay.kafka;

import dev.outboxrelay.relay.deliver.Completion;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.common.ClusterResource;
import org.apache.kafka.common.ClusterResourceListener;
import org.apache.kafka.common.Metric;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Keeps one producer to one cluster. It is told the cluster id of every metadata that the producer
 * fetches, on the producer's own connections and thread, because it is the producer's serializer.
 *
 * <p>An ack counts only if the id was seen since the latest connection was made: a new connection
 * may lead to another cluster, which takes what it has not heard of for repeats. Until then it is
 * held back. Once another id was seen nothing counts any more, and the producer is closed before it
 * sends anything else. Thread-safe.
 */
public final class ClusterGuard extends ByteArraySerializer implements ClusterResourceListener {
  private static final long UNKNOWN = -1;

  private final Queue<Held> held = new ArrayDeque<>();
  private final Optional<String> wanted;
  private LongSupplier connections = () -> UNKNOWN;
  private LongSupplier breaks = () -> UNKNOWN;
  private long confirmed = UNKNOWN;
  private long confirmedBreaks = UNKNOWN;
  private volatile Producer<?, ?> producer;
  private volatile boolean discarded;
  private volatile boolean replaced;
  private volatile String latest;
  private volatile String unconfirmedTopic;
  private volatile int updates;

  private record Held(Completion completion, int partition) {}

  /**
   * Sees nothing yet.
   *
   * @param wanted the only cluster that may get anything; empty for whichever answers first
   */
  ClusterGuard(Optional<String> wanted) {
    this.wanted = wanted;
  }

  /** Counts the connections of this producer from now on. */
  synchronized void watch(Producer<?, ?> producer) {
    this.producer = producer;
    connections = count(producer, "connection-creation-total");
    breaks = count(producer, "connection-close-total");
  }

  private static LongSupplier count(Producer<?, ?> producer, String name) {
    for (Metric metric : producer.metrics().values()) {
      if (metric.metricName().name().equals(name)
          && metric.metricName().group().equals("producer-metrics")) {
        return () -> metric.metricValue() instanceof Double made ? made.longValue() : UNKNOWN;
      }
    }
    return () -> UNKNOWN;
  }

  /** How many connections this producer has made; 0 if that is not known. */
  synchronized long connections() {
    return Math.max(0, connections.getAsLong());
  }

  /** A broker acked a record. */
  synchronized void acked(String topic, int partition, Completion completion) {
    if (discarded) {
      return;
    }
    if (latest == null || connections.getAsLong() == confirmed) {
      completion.acked(partition);
    } else {
      held.add(new Held(completion, partition));
      unconfirmedTopic = topic;
    }
  }

  @Override
  public void onUpdate(ClusterResource cluster) {
    if (isOfAnother(cluster.clusterId())) {
      // On the producer's own thread this only has it end before it sends anything else.
      producer.close(Duration.ZERO);
    }
  }

  private synchronized boolean isOfAnother(String id) {
    updates++;
    if (id == null || discarded) {
      return false; // a broker that knows of no such thing, or nobody's business any more
    }
    replaced |= latest != null && !latest.equals(id);
    discarded |= replaced || !id.equals(wanted.orElse(id));
    latest = id;
    if (!discarded) {
      confirmed = connections.getAsLong();
      confirmedBreaks = breaks.getAsLong();
      held.forEach(each -> each.completion.acked(each.partition));
    }
    held.clear();
    unconfirmedTopic = null;
    notifyAll();
    return discarded && producer != null;
  }

  /**
   * Whether what is sent now goes to the cluster that was seen last: no connection was made or lost
   * since.
   */
  synchronized boolean isConfirmed() {
    return latest != null
        && !discarded
        && connections.getAsLong() == confirmed
        && breaks.getAsLong() == confirmedBreaks;
  }

  /** Whether the producer was closed for what it has seen; nothing of it is completed then. */
  boolean isDiscarded() {
    return discarded;
  }

  /** Whether the producer has seen two clusters. */
  boolean isReplaced() {
    return replaced;
  }

  /** The cluster id that was seen last; null if none was yet. */
  String latest() {
    return latest;
  }

  /** How often the producer has got metadata: what was asked of it before may be different now. */
  int updates() {
    return updates;
  }

  /** A topic whose acks are held back until metadata is fetched again; null if there is none. */
  String unconfirmedTopic() {
    return unconfirmedTopic;
  }

  /** Waits for the first id; null if it does not come in time. */
  String awaitFirst(long nanos) {
    await(() -> latest != null, nanos);
    return latest;
  }

  /** Waits until {@link #isConfirmed()}; false if that does not come in time, or never will. */
  boolean awaitConfirmed(long nanos) {
    await(() -> discarded || isConfirmed(), nanos);
    return isConfirmed();
  }

  private synchronized void await(BooleanSupplier condition, long nanos) {
    long begin = System.nanoTime();
    try {
      for (long left = nanos; !condition.getAsBoolean() && left > 0; ) {
        TimeUnit.NANOSECONDS.timedWait(this, left);
        left = nanos - (System.nanoTime() - begin);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
