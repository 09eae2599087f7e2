package dev.outboxrelay.relay.kafka;

import java.util.Map;
import org.apache.kafka.clients.producer.MockProducer;
import org.apache.kafka.common.Metric;
import org.apache.kafka.common.MetricName;

/** How many connections a producer of Kafka's has made and lost, as its metrics tell. */
final class Connections {
  private double made = 1;
  private double lost;

  /** Those of this producer from now on. */
  void of(MockProducer<?, ?> producer) {
    count(producer, "connection-creation-total", () -> made);
    count(producer, "connection-close-total", () -> lost);
  }

  private interface Count {
    double now();
  }

  private static void count(MockProducer<?, ?> producer, String name, Count count) {
    MetricName named = new MetricName(name, "producer-metrics", "", Map.of());
    producer.setMockMetrics(
        named,
        new Metric() {
          @Override
          public MetricName metricName() {
            return named;
          }

          @Override
          public Object metricValue() {
            return count.now();
          }
        });
  }

  void makeOne() {
    made++;
  }

  void loseOne() {
    lost++;
  }
}
