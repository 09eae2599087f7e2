package dev.outboxrelay.relay.kafka.meters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.MockProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.common.MetricName;
import org.apache.kafka.common.metrics.KafkaMetric;
import org.apache.kafka.common.metrics.Measurable;
import org.apache.kafka.common.metrics.MetricConfig;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.utils.Time;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ProducerMetersTest {
  private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
  private final ProducerMeters meters = new ProducerMeters(registry, "/a");

  @BeforeEach
  void boundTheRegistry() {
    registry.config().meterFilter(ProducerMeters.BOUNDED);
  }

  @AfterEach
  void close() {
    meters.letGo();
    registry.close();
  }

  /** A producer that measures one thing of itself, and one thing with each of further tags. */
  private static Producer<byte[], byte[]> producer(double value, String... furtherTags) {
    MockProducer<byte[], byte[]> producer = new MockProducer<>();
    metric(producer, value, "producer-metrics", Map.of("client-id", "outbox-relay"));
    for (String tag : furtherTags) {
      Map<String, String> tags = Map.of("client-id", "outbox-relay", tag, "x");
      metric(producer, value, "producer-" + tag + "-metrics", tags);
    }
    return producer;
  }

  private static void metric(
      MockProducer<byte[], byte[]> producer, double value, String group, Map<String, String> tags) {
    MetricName name = new MetricName("connection-count", group, "", tags);
    Measurable measurable = (config, now) -> value;
    producer.setMockMetrics(
        name, new KafkaMetric(new Object(), name, measurable, new MetricConfig(), Time.SYSTEM));
  }

  private List<String> outboxes() {
    return registry.getMeters().stream()
        .map(meter -> meter.getId().getTag("outbox"))
        .sorted()
        .collect(Collectors.toList());
  }

  private double connections() {
    return registry.get("kafka.producer.connection.count").tag("outbox", "/a").gauge().value();
  }

  @Test
  void aRealProducerIsMeasuredUnderNamesThatDoNotGrow() {
    Map<String, Object> settings =
        Map.of("bootstrap.servers", "127.0.0.1:1", "client.id", "outbox-relay");
    try (Producer<byte[], byte[]> real =
        new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer())) {
      meters.using(real);
      // An attempt that is not refused yet counts as one.
      await().untilAsserted(() -> assertThat(connections()).isZero());
      assertThat(registry.getMeters())
          .allSatisfy(
              meter ->
                  assertThat(meter.getId().getTags())
                      .extracting(tag -> tag.getKey())
                      .containsExactly("client.id", "kafka.version", "outbox"));
      meters.letGo();
    }
    assertThat(registry.getMeters()).isEmpty();
  }

  @Test
  void whatIsMeasuredForEachNodeOrTopicIsLeftOut() {
    meters.using(producer(1, "node-id", "topic", "partition"));

    assertThat(registry.getMeters())
        .extracting(Meter::getId)
        .extracting(Meter.Id::getName)
        .containsExactly("kafka.producer.connection.count");
  }

  @Test
  void aNewProducerTakesOverTheSeriesOfTheOneBefore() {
    meters.using(producer(1));
    assertThat(connections()).isEqualTo(1);
    meters.letGo();
    assertThat(registry.getMeters()).isEmpty();
    meters.using(producer(2));
    assertThat(connections()).isEqualTo(2);
    assertThat(registry.getMeters()).hasSize(1);
  }

  @Test
  void producersOfSeveralOutboxesDoNotTouchEachOther() {
    ProducerMeters other = new ProducerMeters(registry, "/b");
    meters.using(producer(1));
    other.using(producer(2));
    assertThat(outboxes()).containsExactly("/a", "/b");
    assertThat(connections()).isEqualTo(1);
    other.letGo();
    assertThat(outboxes()).containsExactly("/a");
  }

  @Test
  void lettingGoOfNothingIsFine() {
    meters.letGo();
    meters.letGo();
    assertThat(registry.getMeters()).isEmpty();
  }
}
