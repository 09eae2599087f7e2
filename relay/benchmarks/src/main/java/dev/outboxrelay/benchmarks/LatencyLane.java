package dev.outboxrelay.benchmarks;

import dev.outboxrelay.client.Outbox;
import dev.outboxrelay.client.OutboxEvent;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * From handing over an event to its consumer, 50 events a second: {@code direct BOOTSTRAP TOPIC}
 * through a producer that does not linger, {@code outbox BOOTSTRAP TOPIC DIRECTORY} through an
 * outbox that a relay serves. The topic has one partition.
 */
final class LatencyLane implements Lane.Batch {
  private static final long PERIOD_NANOS = TimeUnit.SECONDS.toNanos(1) / 50;
  private static final int EVENT_BYTES = 1024;
  private static final long ARRIVAL_SECONDS = 60;

  /** Hands over one event. */
  private interface Sender {
    void send(byte[] value);
  }

  private final Sender sender;
  private final BlockingQueue<Long> latencies = new ArrayBlockingQueue<>(100_000);
  private final UUID run = UUID.randomUUID();

  private LatencyLane(Sender sender) {
    this.sender = sender;
  }

  public static void main(String[] arguments) throws Exception {
    String bootstrap = arguments[1];
    String topic = arguments[2];
    switch (arguments[0]) {
      case "direct" -> {
        Map<String, Object> settings =
            Map.of("bootstrap.servers", bootstrap, "acks", "all", "linger.ms", "0");
        ByteArraySerializer bytes = new ByteArraySerializer();
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(settings, bytes, bytes)) {
          serve(
              bootstrap,
              topic,
              value -> {
                // An event that gets lost is missed at the other end.
                Future<?> unused = producer.send(new ProducerRecord<>(topic, value));
              });
        }
      }
      case "outbox" -> {
        try (Outbox outbox = Outbox.open(Path.of(arguments[3]))) {
          serve(bootstrap, topic, value -> outbox.append(OutboxEvent.of(topic, value)));
        }
      }
      default -> throw new IllegalArgumentException("no contestant " + arguments[0]);
    }
  }

  private static void serve(String bootstrap, String topic, Sender sender) throws Exception {
    LatencyLane lane = new LatencyLane(sender);
    Thread consumer = new Thread(() -> lane.consume(bootstrap, topic), "consumer");
    consumer.setDaemon(true);
    consumer.start();
    Lane.serve(lane);
  }

  @Override
  public long[] run(int count) throws InterruptedException {
    long next = System.nanoTime();
    for (int i = 0; i < count; i++) {
      for (long wait = next - System.nanoTime(); wait > 0; wait = next - System.nanoTime()) {
        LockSupport.parkNanos(wait);
      }
      ByteBuffer value = ByteBuffer.allocate(EVENT_BYTES);
      value.putLong(run.getMostSignificantBits()).putLong(run.getLeastSignificantBits());
      value.putLong(System.nanoTime());
      sender.send(value.array());
      next += PERIOD_NANOS;
    }
    long[] took = new long[count];
    for (int i = 0; i < count; i++) {
      Long latency = latencies.poll(ARRIVAL_SECONDS, TimeUnit.SECONDS);
      if (latency == null) {
        throw new IllegalStateException(
            (count - i) + " events did not arrive within " + ARRIVAL_SECONDS + " s");
      }
      took[i] = latency;
    }
    return took;
  }

  private void consume(String bootstrap, String topic) {
    Map<String, Object> settings =
        Map.of("bootstrap.servers", bootstrap, "auto.offset.reset", "earliest");
    ByteArrayDeserializer bytes = new ByteArrayDeserializer();
    try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(settings, bytes, bytes)) {
      consumer.assign(List.of(new TopicPartition(topic, 0)));
      while (true) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofSeconds(1))) {
          ByteBuffer value = ByteBuffer.wrap(record.value());
          if (run.equals(new UUID(value.getLong(), value.getLong()))) {
            latencies.add(System.nanoTime() - value.getLong());
          }
        }
      }
    }
  }
}
