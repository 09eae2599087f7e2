package dev.outboxrelay.relay.kafka;

import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.common.Metric;

/**
 * The thread on which a Kafka producer talks to brokers. The producer itself does not notice that
 * it has died, of an {@code OutOfMemoryError} for example: whatever it is given waits for ever.
 */
final class NetworkThread {
  private static final String NAME = "kafka-producer-network-thread | ";

  private final Thread thread;
  private volatile Throwable error;

  private NetworkThread(Thread thread) {
    this.thread = thread;
  }

  /** That of a producer that was made just now, on the calling thread. */
  static NetworkThread of(Producer<?, ?> producer) {
    NetworkThread found = new NetworkThread(newest(NAME + clientId(producer)));
    if (found.thread != null) {
      Thread.UncaughtExceptionHandler kafkas = found.thread.getUncaughtExceptionHandler();
      found.thread.setUncaughtExceptionHandler(
          (died, cause) -> {
            found.error = cause;
            kafkas.uncaughtException(died, cause);
          });
    }
    return found;
  }

  private static String clientId(Producer<?, ?> producer) {
    for (Metric metric : producer.metrics().values()) {
      String id = metric.metricName().tags().get("client-id");
      if (id != null) {
        return id;
      }
    }
    return "";
  }

  /** Producers that are being closed may still have one of the same name. */
  private static Thread newest(String name) {
    ThreadGroup group = Thread.currentThread().getThreadGroup();
    Thread[] all = new Thread[group.activeCount() * 2 + 16];
    int count = group.enumerate(all);
    Thread newest = null;
    for (int i = 0; i < count; i++) {
      if (all[i].getName().equals(name) && (newest == null || all[i].getId() > newest.getId())) {
        newest = all[i];
      }
    }
    return newest;
  }

  /** Whether it has ended; only of a producer that was not closed. */
  boolean isDead() {
    return thread != null && !thread.isAlive();
  }

  /** What it is called and what it died of, for a person. */
  String obituary() {
    return thread.getName() + ": " + (error == null ? "ended" : error.toString());
  }
}
