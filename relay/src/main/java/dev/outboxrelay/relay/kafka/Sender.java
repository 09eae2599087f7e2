package dev.outboxrelay.relay.kafka;

import dev.outboxrelay.relay.deliver.Transport.Answer;
import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.Metric;

/**
 * A producer, what keeps it to one cluster, and the thread that it can't do without. Looked at by
 * the delivery thread.
 */
final class Sender {
  /** No oftener than the client may fetch metadata. */
  private static final long REFRESH_EVERY_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  /** Whether strangers have gone. */
  private static final long LOOK_EVERY_NANOS = TimeUnit.SECONDS.toNanos(30);

  private final Producer<byte[], byte[]> producer;
  private final ClusterGuard guard;
  private final Bootstrap bootstrap;
  private final NetworkThread thread;
  private String toldCluster;
  private boolean toldLost;
  private long refreshNanos;
  private long lookedNanos;
  private long throttledUntil;
  private boolean throttled;
  private volatile boolean outdated;
  private volatile boolean ended;

  /** What waits for the worker is not asked for once more: it may take longer than a turn. */
  private volatile boolean refreshing;

  private volatile boolean looking;

  /**
   * Holds them.
   *
   * @param bootstrap what the producer was made with
   * @param now of the monotonic clock
   */
  Sender(Producer<byte[], byte[]> producer, ClusterGuard guard, Bootstrap bootstrap, long now) {
    this.producer = producer;
    this.guard = guard;
    this.bootstrap = bootstrap;
    this.lookedNanos = now;
    this.thread = NetworkThread.of(producer);
  }

  Producer<byte[], byte[]> producer() {
    return producer;
  }

  ClusterGuard guard() {
    return guard;
  }

  Bootstrap bootstrap() {
    return bootstrap;
  }

  /** Whether an address that the producer was made without can be used now. */
  boolean isOutdated() {
    return outdated;
  }

  /**
   * What is new of it, or null.
   *
   * @param worker where Kafka's client may block
   */
  Answer look(long now, OtherSide otherSide, Executor worker) {
    if (!toldLost && thread.isDead() && !isEnded()) {
      toldLost = true;
      otherSide.forget();
      return new Answer.SenderLost(thread.obituary());
    }
    String unconfirmed = guard.unconfirmedTopic();
    if (unconfirmed != null && !refreshing && now - refreshNanos >= 0) {
      refreshNanos = now + REFRESH_EVERY_NANOS;
      refreshing = true;
      worker.execute(() -> refreshOnce(unconfirmed));
    }
    if (!bootstrap.strangers().isEmpty() && !looking && now - lookedNanos >= LOOK_EVERY_NANOS) {
      lookedNanos = now;
      looking = true;
      worker.execute(() -> lookAgain(otherSide));
    }
    String latest = guard.latest();
    if (latest == null || latest.equals(toldCluster)) {
      return null;
    }
    toldCluster = latest;
    return new Answer.ClusterSeen(latest, guard.isReplaced(), otherSide.judge(latest));
  }

  private void refreshOnce(String topic) {
    try {
      refresh(topic);
    } finally {
      refreshing = false;
    }
  }

  /**
   * Has metadata fetched, for which Kafka's client has no call: it looks for a partition that it
   * does not know, and never sends.
   */
  void refresh(String topic) {
    try {
      var unused = producer.send(new ProducerRecord<>(topic, Integer.MAX_VALUE, null, new byte[0]));
    } catch (RuntimeException e) {
      // The producer was closed meanwhile.
    }
  }

  private void lookAgain(OtherSide otherSide) {
    try {
      outdated = bootstrap.isBetter(otherSide.look(bootstrap.settings()));
    } finally {
      looking = false;
    }
  }

  /** Open connections to brokers. */
  int connections() {
    return (int) metric("connection-count");
  }

  /**
   * How long brokers may have this producer wait from now on: what they said last may be a minute
   * old, as Kafka's client tells the longest of that time.
   *
   * @param now of the monotonic clock
   */
  long throttledMillis(long now) {
    long told = metric("produce-throttle-time-max");
    if (told > 0) {
      throttledUntil = now + TimeUnit.MILLISECONDS.toNanos(told);
      throttled = true;
    }
    throttled &= now - throttledUntil < 0;
    return throttled ? TimeUnit.NANOSECONDS.toMillis(throttledUntil - now) : 0;
  }

  /** One of the producer as a whole; 0 if it is not known. */
  private long metric(String name) {
    for (Metric metric : producer.metrics().values()) {
      if (metric.metricName().name().equals(name)
          && metric.metricName().group().equals("producer-metrics")
          && metric.metricValue() instanceof Double value
          && Double.isFinite(value)) {
        return value.longValue();
      }
    }
    return 0;
  }

  /** Sends nothing any more, from now on, if it is called on the producer's own thread. */
  void end() {
    if (!ended) {
      ended = true;
      close();
    }
  }

  /** Whether it sends nothing any more, be it for a failure or for what its brokers are. */
  boolean isEnded() {
    return ended || guard.isDiscarded();
  }

  /** At once; what was not acked is given up. */
  void close() {
    producer.close(Duration.ZERO);
  }
}
