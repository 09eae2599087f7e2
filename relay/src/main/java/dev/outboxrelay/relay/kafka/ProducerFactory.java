package dev.outboxrelay.relay.kafka;

import dev.outboxrelay.relay.config.RelayConfig;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Makes producers; each one reads the credentials anew. */
@FunctionalInterface
public interface ProducerFactory {
  /**
   * A new producer. Does not wait for Kafka.
   *
   * @throws IOException if a file that holds a setting can't be read
   */
  Producer<byte[], byte[]> create() throws IOException;

  /**
   * Makes real producers.
   *
   * @param suffix put behind the configured {@code client.id}
   */
  static ProducerFactory of(RelayConfig config, String suffix) {
    return () -> {
      Map<String, Object> properties = new HashMap<>(config.kafka().producerProperties());
      properties.merge(ProducerConfig.CLIENT_ID_CONFIG, suffix, (id, more) -> id.toString() + more);
      return new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer());
    };
  }
}
