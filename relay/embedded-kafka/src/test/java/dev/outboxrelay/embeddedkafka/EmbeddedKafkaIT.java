package dev.outboxrelay.embeddedkafka;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.SaslAuthenticationException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 300, unit = TimeUnit.SECONDS)
class EmbeddedKafkaIT {
  private static final TopicPartition PARTITION = new TopicPartition("events", 0);
  private static final int EXIT_ON_SIGTERM = 128 + 15;

  @TempDir private Path data;

  @Test
  void aRecordAckedBeforeSigkillIsReadAfterARestartOnTheSamePort() throws Exception {
    String bootstrap;
    try (BrokerProcess broker = BrokerProcess.start(data)) {
      bootstrap = broker.awaitReady();
      createTopic(bootstrap);
      produce(bootstrap, "first");
      broker.kill();
    }
    try (BrokerProcess broker = BrokerProcess.start(data, "--port", portOf(bootstrap))) {
      assertEquals(bootstrap, broker.awaitReady());
      produce(bootstrap, "second");
      assertEquals(List.of("first", "second"), consume(bootstrap, 2));
    }
  }

  @Test
  void aTransactionCommitsOnTheOnlyNode() throws Exception {
    try (BrokerProcess broker = BrokerProcess.start(data)) {
      String bootstrap = broker.awaitReady();
      createTopic(bootstrap);
      try (KafkaProducer<String, String> producer =
          producer(Map.of("bootstrap.servers", bootstrap, "transactional.id", "t"))) {
        producer.initTransactions();
        producer.beginTransaction();
        Future<RecordMetadata> sent =
            producer.send(new ProducerRecord<>(PARTITION.topic(), "committed"));
        producer.commitTransaction();
        sent.get();
      }
      assertEquals(List.of("committed"), consume(bootstrap, 1));
    }
  }

  @Test
  void sigtermEndsItAndTheDataCanBeUsedAgain() throws Exception {
    String bootstrap;
    try (BrokerProcess broker = BrokerProcess.start(data)) {
      bootstrap = broker.awaitReady();
      createTopic(bootstrap);
      produce(bootstrap, "kept");
      assertEquals(EXIT_ON_SIGTERM, broker.terminate());
    }
    try (BrokerProcess broker = BrokerProcess.start(data, "--port", portOf(bootstrap))) {
      assertEquals(List.of("kept"), consume(broker.awaitReady(), 1));
    }
  }

  @Test
  void aMissingTopicStaysMissingUnlessItIsToldOtherwise() throws Exception {
    try (BrokerProcess broker = BrokerProcess.start(data)) {
      String bootstrap = broker.awaitReady();
      Map<String, Object> settings = Map.of("bootstrap.servers", bootstrap, "max.block.ms", 2000);
      try (KafkaProducer<String, String> producer = producer(settings)) {
        ExecutionException refused =
            assertThrows(
                ExecutionException.class,
                () -> producer.send(new ProducerRecord<>("missing", "value")).get());
        assertInstanceOf(TimeoutException.class, refused.getCause());
      }
    }
    try (BrokerProcess broker = BrokerProcess.start(data, "--auto-create-topics")) {
      produce(broker.awaitReady(), "created on the way");
    }
  }

  @Test
  void aPropertyOfTheCommandLineWinsOverOurs() throws Exception {
    try (BrokerProcess broker = BrokerProcess.start(data, "--property", "message.max.bytes=2000")) {
      String bootstrap = broker.awaitReady();
      createTopic(bootstrap);
      assertThrows(ExecutionException.class, () -> produce(bootstrap, "x".repeat(4000)));
    }
  }

  @Test
  void aListenerWithSaslLetsInWhoKnowsThePassword() throws Exception {
    int port = freePort();
    try (BrokerProcess broker =
        BrokerProcess.start(
            data,
            "--listener",
            "SASL_PLAINTEXT=" + port,
            "--property",
            "sasl.enabled.mechanisms=PLAIN",
            "--property",
            "listener.name.sasl_plaintext.plain.sasl.jaas.config="
                + "org.apache.kafka.common.security.plain.PlainLoginModule required"
                + " user_alice=\"secret\";")) {
      createTopic(broker.awaitReady());
      sendTo(port, "secret");
      ExecutionException refused =
          assertThrows(ExecutionException.class, () -> sendTo(port, "wrong"));
      assertInstanceOf(SaslAuthenticationException.class, refused.getCause());
    }
  }

  private static void sendTo(int port, String password) throws Exception {
    Map<String, Object> settings =
        Map.of(
            "bootstrap.servers",
            "127.0.0.1:" + port,
            "security.protocol",
            "SASL_PLAINTEXT",
            "sasl.mechanism",
            "PLAIN",
            "sasl.jaas.config",
            "org.apache.kafka.common.security.plain.PlainLoginModule required"
                + " username=\"alice\" password=\""
                + password
                + "\";");
    try (KafkaProducer<String, String> producer = producer(settings)) {
      producer.send(new ProducerRecord<>(PARTITION.topic(), "let in")).get();
    }
  }

  @Test
  void anUnknownOptionEndsItWithTheUsageCode() throws Exception {
    try (BrokerProcess broker = BrokerProcess.start(data, "--no-such-option")) {
      assertEquals(2, broker.awaitExit());
    }
  }

  private static int freePort() throws IOException {
    try (ServerSocket reserved = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return reserved.getLocalPort();
    }
  }

  private static String portOf(String bootstrap) {
    return bootstrap.substring(bootstrap.indexOf(':') + 1);
  }

  private static void createTopic(String bootstrap) throws Exception {
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
      NewTopic topic = new NewTopic(PARTITION.topic(), Optional.of(1), Optional.empty());
      admin.createTopics(List.of(topic)).all().get();
    }
  }

  private static KafkaProducer<String, String> producer(Map<String, Object> settings) {
    return new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer());
  }

  private static void produce(String bootstrap, String value) throws Exception {
    try (KafkaProducer<String, String> producer =
        producer(Map.of("bootstrap.servers", bootstrap))) {
      producer.send(new ProducerRecord<>(PARTITION.topic(), value)).get();
    }
  }

  private static List<String> consume(String bootstrap, int count) {
    Map<String, Object> settings =
        Map.of("bootstrap.servers", bootstrap, "isolation.level", "read_committed");
    try (KafkaConsumer<String, String> consumer =
        new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
      consumer.assign(List.of(PARTITION));
      consumer.seekToBeginning(List.of(PARTITION));
      List<String> values = new ArrayList<>();
      while (values.size() < count) {
        ConsumerRecords<String, String> polled = consumer.poll(Duration.ofMillis(200));
        for (ConsumerRecord<String, String> record : polled) {
          values.add(record.value());
        }
      }
      return values;
    }
  }
}
