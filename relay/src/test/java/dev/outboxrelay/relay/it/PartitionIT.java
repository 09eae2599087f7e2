package dev.outboxrelay.relay.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.relay.fact.PauseReason;
import dev.outboxrelay.relay.fact.Verdict;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.zip.CRC32;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.internals.BuiltInPartitioner;
import org.junit.jupiter.api.Test;

/** Which partition an event arrives in. */
class PartitionIT extends BrokerTest {
  private static final int EVENTS = 200;

  private static int crc32(byte[] key, int partitions) {
    CRC32 crc = new CRC32();
    crc.update(key);
    return (int) (crc.getValue() % partitions);
  }

  private static byte[] key(int number) {
    return ("key-" + number).getBytes(StandardCharsets.UTF_8);
  }

  private void deliver(String topic, String... environment) throws Exception {
    try (OutboxUnderTest outbox = outbox()) {
      for (int i = 1; i <= EVENTS; i++) {
        outbox.append(OutboxEvent.builder(topic).key(key(i)).value("" + i).build());
      }
      try (RelayUnderTest relay = relay(environment)) {
        relay.awaitSettled(EVENTS);
      }
    }
  }

  @Test
  void keysGoWhereKafkasOwnClientPutsThem() throws Exception {
    broker().createTopic("as-kafka", 12, Map.of());
    deliver("as-kafka");
    List<ConsumerRecord<byte[], byte[]>> records = broker().read("as-kafka");
    assertThat(records).hasSize(EVENTS);
    assertThat(records)
        .allMatch(
            record -> record.partition() == BuiltInPartitioner.partitionForKey(record.key(), 12));
  }

  @Test
  void keysGoWhereLibrdkafkaPutsThemIfToldSo() throws Exception {
    broker().createTopic("as-librdkafka", 12, Map.of());
    deliver("as-librdkafka", "OUTBOX_PARTITIONER", "crc32");
    List<ConsumerRecord<byte[], byte[]>> records = broker().read("as-librdkafka");
    assertThat(records).hasSize(EVENTS);
    assertThat(records).allMatch(record -> record.partition() == crc32(record.key(), 12));
  }

  @Test
  void whatHasNoKeyIsSpread() throws Exception {
    broker().createTopic("keyless", 3, Map.of());
    try (OutboxUnderTest outbox = outbox()) {
      for (int i = 1; i <= EVENTS; i++) {
        outbox.append(OutboxEvent.builder("keyless").value("x".repeat(20_000) + i).build());
      }
      try (RelayUnderTest relay = relay("OUTBOX_PARTITIONER", "crc32", "KAFKA_BATCH_SIZE", "1")) {
        relay.awaitSettled(EVENTS);
      }
    }
    assertThat(broker().read("keyless")).hasSize(EVENTS);
    assertThat(broker().read("keyless").stream().map(ConsumerRecord::partition).distinct())
        .hasSizeGreaterThan(1);
  }

  @Test
  void anEventsOwnPartitionWinsOverItsKey() throws Exception {
    broker().createTopic("own", 4, Map.of());
    try (OutboxUnderTest outbox = outbox()) {
      for (int i = 1; i <= EVENTS; i++) {
        outbox.append(
            OutboxEvent.builder("own").key("one-key").partition(i % 4).value("" + i).build());
      }
      try (RelayUnderTest relay = relay()) {
        relay.awaitSettled(EVENTS);
      }
    }
    Map<Integer, Integer> last = new HashMap<>();
    for (ConsumerRecord<byte[], byte[]> record : broker().read("own")) {
      int number = Integer.parseInt(text(record.value()));
      assertThat(record.partition()).isEqualTo(number % 4);
      assertThat(number).isGreaterThan(last.getOrDefault(record.partition(), 0));
      last.put(record.partition(), number);
    }
    assertThat(broker().read("own")).hasSize(EVENTS);
  }

  @Test
  void aPartitionThatIsNotThereIsNamedAndItsEventsArriveOnceItIs() throws Exception {
    broker().createTopic("few", 2, Map.of());
    try (OutboxUnderTest outbox = outbox();
        RelayUnderTest relay = relay("KAFKA_METADATA_MAX_AGE_MS", "1000")) {
      outbox.append("few", 1, 3);
      outbox.append(OutboxEvent.builder("few").partition(5).value("4").build());
      outbox.append("few", 5, 3);
      relay.awaitSettled(3);
      await()
          .atMost(RelayUnderTest.PATIENCE)
          .untilAsserted(
              () ->
                  assertThat(relay.status().state().trouble())
                      .isNotNull()
                      .extracting(trouble -> trouble.cause())
                      .isEqualTo(
                          new Verdict.PauseTopic(
                              "few",
                              PauseReason.PARTITION_MISSING,
                              "an event names partition 5 of topic few, which has only 2")));
      // It is asked again, and the incident stays one.
      await()
          .atMost(RelayUnderTest.PATIENCE)
          .until(() -> relay.status().state().trouble().attempts() > 3);
      assertThat(relay.state()).isEqualTo("paused-topic");
      assertThat(relay.status().settledSequence()).isEqualTo(3);

      try (Admin admin = Admin.create(Map.of("bootstrap.servers", broker().bootstrap()))) {
        admin
            .createPartitions(Map.of("few", NewPartitions.increaseTo(6)))
            .all()
            .get(60, TimeUnit.SECONDS);
      }
      relay.awaitSettled(7);
      assertThat(relay.told().deadLetters()).isEmpty();
    }
    assertThat(broker().read("few"))
        .filteredOn(record -> text(record.value()).equals("4"))
        .singleElement()
        .extracting(ConsumerRecord::partition)
        .isEqualTo(5);
    assertThat(values("few")).hasSize(7);
  }
}
