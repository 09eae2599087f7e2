package dev.outboxrelay.relay.kafka;

import dev.outboxrelay.relay.deliver.Completion;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.TimeUnit;
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
 * held back. Once another id was seen no ack counts any more. Thread-safe.
 */
public final class ClusterGuard extends ByteArraySerializer implements ClusterResourceListener {
  private static final long UNKNOWN = -1;

  private final Queue<Held> held = new ArrayDeque<>();
  private LongSupplier connections = () -> UNKNOWN;
  private long confirmed = UNKNOWN;
  private volatile boolean replaced;
  private volatile String latest;
  private volatile String unconfirmedTopic;

  private record Held(Completion completion, int partition) {}

  /** Counts the connections of this producer from now on. */
  synchronized void watch(Producer<?, ?> producer) {
    for (Metric metric : producer.metrics().values()) {
      if (metric.metricName().name().equals("connection-creation-total")
          && metric.metricName().group().equals("producer-metrics")) {
        connections =
            () -> metric.metricValue() instanceof Double made ? made.longValue() : UNKNOWN;
      }
    }
  }

  /** How many connections this producer has made; 0 if that is not known. */
  synchronized long connections() {
    return Math.max(0, connections.getAsLong());
  }

  /** A broker acked a record. */
  synchronized void acked(String topic, int partition, Completion completion) {
    if (replaced) {
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
  public synchronized void onUpdate(ClusterResource cluster) {
    String id = cluster.clusterId();
    if (id == null) {
      return; // a broker that knows of no such thing
    }
    replaced |= latest != null && !latest.equals(id);
    latest = id;
    if (!replaced) {
      confirmed = connections.getAsLong();
      held.forEach(each -> each.completion.acked(each.partition));
    }
    held.clear();
    unconfirmedTopic = null;
    notifyAll();
  }

  /** Whether the producer has seen two clusters; it is of no use then. */
  boolean isReplaced() {
    return replaced;
  }

  /** The cluster id that was seen last; null if none was yet. */
  String latest() {
    return latest;
  }

  /** A topic whose acks are held back until metadata is fetched again; null if there is none. */
  String unconfirmedTopic() {
    return unconfirmedTopic;
  }

  /** Waits for the first id; null if it does not come in time. */
  synchronized String await(long nanos) {
    long begin = System.nanoTime();
    try {
      for (long left = nanos; latest == null && left > 0; ) {
        TimeUnit.NANOSECONDS.timedWait(this, left);
        left = nanos - (System.nanoTime() - begin);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return latest;
  }
}
