package dev.outboxrelay.relay.kafka;

import dev.outboxrelay.relay.fact.Verdict;
import dev.outboxrelay.relay.kafka.settings.KafkaSettings;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.ClusterResource;
import org.apache.kafka.common.ClusterResourceListener;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Asks whether topics are missing, one round trip for each. A producer waits 100 ms for a missing
 * one, and asks again for all that it was asked for in five minutes, at each metadata request. A
 * consumer forgets at once, and what hangs on the question hangs on it too: where brokers create
 * topics that are named, they do. Blocks; for one thread.
 */
final class TopicLookup implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(1);

  private final BiFunction<KafkaSettings, Brokers, Consumer<byte[], byte[]>> maker;
  private Consumer<byte[], byte[]> consumer; // null until it is needed
  private Brokers brokers;
  private Sender madeFor;

  /** Is told by the consumer of which cluster it asks. */
  static final class Brokers extends ByteArrayDeserializer implements ClusterResourceListener {
    private String cluster;

    @Override
    public void onUpdate(ClusterResource told) {
      cluster = told.clusterId();
    }
  }

  /** Connects to nothing yet. */
  TopicLookup(BiFunction<KafkaSettings, Brokers, Consumer<byte[], byte[]>> maker) {
    this.maker = maker;
  }

  /** A real one. It is of no group, and has no thread. */
  static Consumer<byte[], byte[]> consumer(KafkaSettings settings, Brokers brokers) {
    Map<String, Object> properties = new HashMap<>(settings.producerProperties());
    properties.keySet().retainAll(ConsumerConfig.configNames());
    properties.merge(
        ProducerConfig.CLIENT_ID_CONFIG, "-topics", (id, more) -> id.toString() + more);
    properties.put(ConsumerConfig.METRIC_REPORTER_CLASSES_CONFIG, List.of());
    properties.put(ConsumerConfig.ENABLE_METRICS_PUSH_CONFIG, false);
    properties.put(ConsumerConfig.GROUP_PROTOCOL_CONFIG, "classic");
    properties.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
    return new KafkaConsumer<>(properties, brokers, new ByteArrayDeserializer());
  }

  /**
   * Whether the brokers of the sender's cluster say that there is no such topic. False for any
   * other answer, and for none: what that means is for the sender to find out.
   */
  boolean isMissing(Sender asked, String topic) {
    if (madeFor != asked) {
      close();
    }
    try {
      if (consumer == null) {
        brokers = new Brokers();
        consumer = maker.apply(asked.bootstrap().usable(), brokers);
        madeFor = asked;
      }
      List<PartitionInfo> partitions = consumer.partitionsFor(topic, PATIENCE);
      return (partitions == null || partitions.isEmpty())
          && brokers.cluster != null
          && brokers.cluster.equals(asked.guard().latest());
    } catch (TopicAuthorizationException | InvalidTopicException e) {
      return false; // an answer about the topic, by which the connection is none the worse
    } catch (RuntimeException e) {
      close();
      return false;
    }
  }

  /** What it means for a topic that it is missing. */
  static Verdict missing(String topic) {
    return ErrorClassifier.ofRefused(
        topic, new UnknownTopicOrPartitionException("topic " + topic + " is not there"));
  }

  /** It may be used again. */
  @Override
  public void close() {
    Consumer<byte[], byte[]> old = consumer;
    consumer = null;
    madeFor = null;
    if (old != null) {
      old.close(org.apache.kafka.clients.consumer.CloseOptions.timeout(Duration.ZERO));
    }
  }
}
