package dev.outboxrelay.benchmarks;

import java.util.Map;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** One event, as a short-lived process produces it. Arguments: broker, topic. */
final class ColdProducer {
  private ColdProducer() {}

  public static void main(String[] arguments) throws Exception {
    Map<String, Object> settings = Map.of("bootstrap.servers", arguments[0], "acks", "all");
    ByteArraySerializer bytes = new ByteArraySerializer();
    try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(settings, bytes, bytes)) {
      producer.send(new ProducerRecord<>(arguments[1], new byte[1024])).get();
    }
  }
}
