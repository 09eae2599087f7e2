package dev.outboxrelay.relay.kafka;

import dev.outboxrelay.relay.kafka.settings.KafkaSettings;
import dev.outboxrelay.relay.rounds.WorkThread;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Makes producers. */
@FunctionalInterface
public interface ProducerFactory {
  /**
   * A new producer. Does not wait for Kafka.
   *
   * @param guard serializes its keys, and is told its clusters
   * @throws WorkThread.Unavailable if there is no thread for it
   * @throws RuntimeException if Kafka's client refuses the settings
   */
  Producer<byte[], byte[]> create(KafkaSettings settings, ClusterGuard guard);

  /** A client that is asked for topics that may be missing. */
  default TopicLookup lookup() {
    return new TopicLookup(TopicLookup::consumer);
  }

  /** A client that is asked for many topics at once. */
  default TopicSurvey survey() {
    return new TopicSurvey(AdminBrokers::of);
  }

  /**
   * Makes real producers.
   *
   * @param suffix put behind the configured {@code client.id}
   */
  static ProducerFactory of(String suffix) {
    return of(suffix, 0);
  }

  /**
   * The same for what is larger than the events that the settings are for.
   *
   * @param beside so many bytes of a record are not counted by {@code max.request.size}
   */
  static ProducerFactory of(String suffix, int beside) {
    return (settings, guard) -> {
      CodecCheck.check(settings);
      Map<String, Object> properties = new HashMap<>(settings.producerProperties());
      properties.computeIfPresent(
          ProducerConfig.MAX_REQUEST_SIZE_CONFIG,
          (name, most) -> Math.addExact(Integer.parseInt(most.toString()), beside));
      properties.merge(ProducerConfig.CLIENT_ID_CONFIG, suffix, (id, more) -> id.toString() + more);
      // Kafka's client opens its selector first, and leaves it open if it gets no thread.
      WorkThread.tryOne("kafka-producer-network-thread");
      return new KafkaProducer<>(properties, guard, new ByteArraySerializer());
    };
  }
}
