package dev.outboxrelay.relay.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.relay.fact.PauseReason;
import dev.outboxrelay.relay.fact.Verdict;
import dev.outboxrelay.relay.kafka.settings.KafkaSettings;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.MockConsumer;
import org.apache.kafka.clients.producer.MockProducer;
import org.apache.kafka.common.ClusterResource;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.junit.jupiter.api.Test;

class TopicLookupTest {
  private static final Node[] NODES = {};

  private final List<Asker> askers = new ArrayList<>();
  private String cluster = "A";
  private RuntimeException failure;
  private final TopicLookup lookup = new TopicLookup(this::asker);

  /** Knows of one topic. */
  private final class Asker extends MockConsumer<byte[], byte[]> {
    private final String servers;

    private Asker(String servers) {
      super("earliest");
      this.servers = servers;
      updatePartitions("orders", List.of(new PartitionInfo("orders", 0, null, NODES, NODES)));
    }

    @Override
    public synchronized List<PartitionInfo> partitionsFor(String topic, Duration timeout) {
      if (failure != null) {
        throw failure;
      }
      return super.partitionsFor(topic, timeout);
    }
  }

  private Consumer<byte[], byte[]> asker(KafkaSettings settings, TopicLookup.Brokers brokers) {
    Asker made = new Asker(settings.bootstrapServers());
    if (cluster != null) {
      brokers.onUpdate(new ClusterResource(cluster));
    }
    askers.add(made);
    return made;
  }

  private static KafkaSettings settings(String servers) {
    return KafkaSettings.from(
        Map.of("KAFKA_BOOTSTRAP_SERVERS", servers, "KAFKA_LINGER_MS", "5"),
        1 << 20,
        false,
        new ArrayList<>(),
        new ArrayList<>());
  }

  /** Of cluster A. */
  private static Sender sender() {
    ClusterGuard guard = new ClusterGuard(Optional.empty());
    guard.onUpdate(new ClusterResource("A"));
    Bootstrap bootstrap =
        new Bootstrap(
            settings("good:1,bad:2"), new TreeMap<>(Map.of("bad:2", "speaks HTTP, not Kafka")));
    return new Sender(new MockProducer<>(), guard, bootstrap, 0);
  }

  @Test
  void brokersSayWhichTopicsAreMissing() {
    Sender sender = sender();
    assertThat(lookup.isMissing(sender, "missing")).isTrue();
    assertThat(lookup.isMissing(sender, "orders")).isFalse();
    assertThat(askers).hasSize(1);
    assertThat(askers.get(0).servers).isEqualTo("good:1");
    assertThat(TopicLookup.missing("missing"))
        .isInstanceOfSatisfying(
            Verdict.PauseTopic.class,
            pause -> assertThat(pause.reason()).isEqualTo(PauseReason.TOPIC_MISSING));
  }

  @Test
  void whatBrokersOfAnotherClusterSayDoesNotCount() {
    cluster = "B";
    assertThat(lookup.isMissing(sender(), "missing")).isFalse();
    lookup.close();
    cluster = null;
    assertThat(lookup.isMissing(sender(), "missing")).isFalse();
  }

  @Test
  void anAnswerAboutATopicEndsNoConnection() {
    Sender sender = sender();
    failure = new TopicAuthorizationException("orders");
    assertThat(lookup.isMissing(sender, "orders")).isFalse();
    assertThat(lookup.isMissing(sender, "orders")).isFalse();
    assertThat(askers).hasSize(1);
    assertThat(askers.get(0).closed()).isFalse();
  }

  @Test
  void whoeverDoesNotAnswerHasSaidNothing() {
    Sender sender = sender();
    failure = new TimeoutException("away");
    assertThat(lookup.isMissing(sender, "missing")).isFalse();
    assertThat(askers.get(0).closed()).isTrue();
    failure = null;
    assertThat(lookup.isMissing(sender, "missing")).isTrue();
    assertThat(askers).hasSize(2);
  }

  @Test
  void anotherSenderHasItsOwn() {
    assertThat(lookup.isMissing(sender(), "missing")).isTrue();
    assertThat(lookup.isMissing(sender(), "missing")).isTrue();
    assertThat(askers).hasSize(2);
    assertThat(askers.get(0).closed()).isTrue();
    lookup.close();
    assertThat(askers.get(1).closed()).isTrue();
  }

  @Test
  void whatIsMeantForTheProducerAloneIsNotPassedOn() {
    try (Consumer<byte[], byte[]> real =
        TopicLookup.consumer(settings("127.0.0.1:1"), new TopicLookup.Brokers())) {
      assertThat(real).isInstanceOf(KafkaConsumer.class);
    }
  }
}
