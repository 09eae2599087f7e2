package dev.outboxrelay.relay.it;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** One broker for all tests of a class, and a new directory for each of them. */
@Timeout(value = 180, unit = TimeUnit.SECONDS)
abstract class BrokerTest {
  @TempDir private static Path brokerData;
  private static Broker broker;

  @TempDir private Path directory;

  @BeforeAll
  static void startBroker() throws Exception {
    broker = new Broker(brokerData.resolve("kafka"));
  }

  @AfterAll
  static void stopBroker() {
    broker.close();
  }

  static Broker broker() {
    return broker;
  }

  OutboxUnderTest outbox() {
    return new OutboxUnderTest(outboxDirectory());
  }

  Path outboxDirectory() {
    return directory.resolve("outbox");
  }

  RelayUnderTest relay(String... environment) {
    return new RelayUnderTest(outboxDirectory(), broker.bootstrap(), environment);
  }

  /** The values of a topic, partition by partition. */
  static List<String> values(String topic) {
    return broker.read(topic).stream()
        .map(ConsumerRecord::value)
        .map(BrokerTest::text)
        .collect(Collectors.toList());
  }

  /** The numbers from {@code first} to {@code last}, as the values of events. */
  static List<String> numbers(int first, int last) {
    return IntStream.rangeClosed(first, last)
        .mapToObj(Integer::toString)
        .collect(Collectors.toList());
  }

  static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.UTF_8);
  }
}
