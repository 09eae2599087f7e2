package dev.outboxrelay.relay.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.outboxrelay.client.DeliveryOutcome;
import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.Receipt;
import dev.outboxrelay.client.cycle.CycleEntry;
import dev.outboxrelay.client.cycle.CycleScanner;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.record.CycleId;
import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.relay.deadletter.DeadLetters;
import dev.outboxrelay.relay.fact.Fact;
import dev.outboxrelay.relay.inspect.Records;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** What Kafka will never take goes to the dead letters, and nothing else does. */
class RefusalIT extends BrokerTest {

  @Test
  void aRecordThatIsTooLargeForItsTopicBecomesADeadLetterAndItsNeighboursArrive() throws Exception {
    broker().createTopic("small", 1, Map.of("max.message.bytes", "2000"));
    try (OutboxUnderTest outbox = outbox();
        RelayUnderTest relay = relay()) {
      outbox.append("small", 1, 5);
      Receipt large = outbox.append("small", "x".repeat(5000));
      outbox.append("small", 6, 5);
      relay.awaitSaved(11);
      assertThat(relay.told().deadLetters()).containsExactly("small too-large 6");
      assertThat(relay.told().quarantined()).isEmpty();
      assertThat(outbox.waitDelivered(large, Duration.ofSeconds(60)))
          .isEqualTo(DeliveryOutcome.DEAD);

      List<OutboxRecord> letters = deadLetters(outbox.paths());
      assertThat(letters).hasSize(1);
      assertThat(letters.get(0).eventId()).isEqualTo(large.eventId());
      assertThat(DeadLetters.sourceSequence(letters.get(0))).isEqualTo(6);
      assertThat(header(letters.get(0), DeadLetters.REASON)).isEqualTo("too-large");
      assertThat(header(letters.get(0), DeadLetters.SEQUENCE)).isEqualTo("6");
      assertThat(header(letters.get(0), DeadLetters.ERROR)).contains("RecordTooLarge");
    }
    assertThat(values("small")).isEqualTo(numbers(1, 10));
  }

  @Test
  void recordsThatTheTopicRefusesAreFoundAmongTheirNeighboursInTheSameBatch() throws Exception {
    broker().createTopic("compacted", 1, Map.of("cleanup.policy", "compact"));
    try (OutboxUnderTest outbox = outbox()) {
      for (int i = 1; i <= 50; i++) {
        OutboxEvent.Builder event = OutboxEvent.builder("compacted").value("" + i);
        outbox.append(i % 20 == 0 ? event.build() : event.key("key-" + i).build());
      }
      try (RelayUnderTest relay = relay()) {
        relay.awaitSaved(50);
        assertThat(relay.told().deadLetters())
            .containsExactly("compacted invalid-record 20", "compacted invalid-record 40");
      }
      assertThat(deadLetters(outbox.paths())).hasSize(2);
    }
    List<String> expected = numbers(1, 50);
    expected.removeAll(List.of("20", "40"));
    assertThat(values("compacted").stream().distinct()).isEqualTo(expected);
  }

  /** Batches that are on their way when one before them is refused; the loop is late to hear it. */
  @Test
  void whatFollowsARefusedRecordDoesNotOvertakeItsNeighbours() throws Exception {
    broker().createTopic("in-order", 1, Map.of("cleanup.policy", "compact"));
    try (OutboxUnderTest outbox = outbox()) {
      for (int i = 1; i <= 100; i++) {
        OutboxEvent.Builder event = OutboxEvent.builder("in-order").value("" + i);
        outbox.append(i == 50 ? event.build() : event.key("key").build());
      }
      try (RelayUnderTest relay =
          new RelayUnderTest(
              outboxDirectory(),
              broker().bootstrap(),
              fact -> {
                if (fact instanceof Fact.SendFailed) {
                  LockSupport.parkNanos(Duration.ofMillis(500).toNanos());
                }
              },
              "KAFKA_BATCH_SIZE",
              "400")) {
        relay.awaitSaved(100);
      }
      assertThat(deadLetters(outbox.paths())).hasSize(1);
    }
    List<String> expected = numbers(1, 100);
    expected.remove("50");
    assertThat(values("in-order").stream().distinct()).isEqualTo(expected);
  }

  @Test
  void aRecordBeforeTheEpochAsAnotherClientMayWriteItBecomesADeadLetter() throws Exception {
    broker().createTopic("early", 1, Map.of());
    try (OutboxUnderTest outbox = outbox()) {
      outbox.append("early", 1, 3);
      rewrite(outbox, 1, record -> record.putLong(32, -1));
      try (RelayUnderTest relay = relay()) {
        relay.awaitSettled(3);
        assertThat(relay.told().deadLetters()).containsExactly("early invalid-timestamp 2");
      }
      assertThat(deadLetters(outbox.paths())).hasSize(1);
    }
    assertThat(values("early")).containsExactly("1", "3");
  }

  @Test
  void aTimeThatHasNotComeIsSentAsThePresentOneAndItsOwnTimeGoesAlong() throws Exception {
    broker().createTopic("ahead", 1, Map.of("message.timestamp.after.max.ms", "3600000"));
    try (OutboxUnderTest outbox = outbox()) {
      outbox.append("ahead", 1, 5);
      long ahead = System.currentTimeMillis() + Duration.ofHours(2).toMillis();
      rewrite(outbox, 1, record -> record.putLong(32, ahead));
      rewrite(outbox, 3, record -> record.putLong(32, ahead));
      try (RelayUnderTest relay = relay()) {
        relay.awaitSettled(5);
        assertThat(relay.told().deadLetters()).isEmpty();
      }
    }
    assertThat(values("ahead").stream().distinct()).isEqualTo(numbers(1, 5));
  }

  @Test
  void anEventForATopicOfTheBrokersIsADeadLetterAndHoldsNothingUp() throws Exception {
    broker().createTopic("behind", 1, Map.of());
    try (OutboxUnderTest outbox = outbox()) {
      outbox.append("behind", 1, 1);
      outbox.append("..consumer_offsets", "x");
      outbox.append("behind", 2, 2);
      byte[] topic = "__consumer_offsets".getBytes(StandardCharsets.US_ASCII);
      rewrite(outbox, 1, record -> record.put(72, topic));
      try (RelayUnderTest relay = relay()) {
        relay.awaitSaved(4);
        assertThat(relay.told().deadLetters())
            .containsExactly("__consumer_offsets internal-topic 2");
      }
      assertThat(deadLetters(outbox.paths()).get(0).topic()).isEqualTo("__consumer_offsets");
    }
    assertThat(values("behind")).isEqualTo(numbers(1, 3));
  }

  @Test
  void aTopicThatRefusesOneEventAfterTheOtherWaitsUntilItIsMended() throws Exception {
    broker().createTopic("by-mistake", 1, Map.of("cleanup.policy", "compact"));
    try (OutboxUnderTest outbox = outbox();
        RelayUnderTest relay = relay()) {
      for (int i = 1; i <= 30; i++) {
        outbox.append(OutboxEvent.builder("by-mistake").value("" + i).build());
      }
      relay.awaitState("paused-topic");
      await()
          .atMost(RelayUnderTest.PATIENCE)
          .untilAsserted(
              () ->
                  assertThat(relay.status().trouble().orElseThrow().cause().reasonLabel())
                      .isEqualTo("refused"));
      broker().configure("by-mistake", "cleanup.policy", "delete");
      relay.awaitSaved(30);
      assertThat(relay.told().deadLetters()).hasSize(10);
    }
    assertThat(values("by-mistake").stream().distinct()).isEqualTo(numbers(11, 30));
  }

  /** As no writer of ours writes it. */
  private static void rewrite(OutboxUnderTest outbox, int record, Consumer<ByteBuffer> change)
      throws Exception {
    long cycle = outbox.newestCycle();
    long offset = outbox.offsets(cycle).get(record) + 4;
    int length = (int) (outbox.offsets(cycle).get(record + 1) - offset);
    ByteBuffer bytes = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    try (FileChannel file =
        FileChannel.open(
            outbox.paths().cycle(cycle), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      assertThat(file.read(bytes, offset)).isEqualTo(length);
      change.accept(bytes);
      Records.sign(bytes, new CycleId(OutboxIdentity.outboxOf(outbox.paths()), cycle), offset - 4);
      assertThat(file.write(bytes.position(0), offset)).isEqualTo(length);
    }
  }

  private static String header(OutboxRecord record, String name) {
    return record.headers().stream()
        .filter(header -> header.name().equals(name))
        .map(header -> text(header.value()))
        .findFirst()
        .orElseThrow();
  }

  private static List<OutboxRecord> deadLetters(OutboxPaths outbox) throws Exception {
    OutboxPaths paths = outbox.deadLetters();
    List<OutboxRecord> records = new ArrayList<>();
    for (long cycle : paths.cycles()) {
      try (CycleScanner scanner =
          CycleScanner.open(paths.cycle(cycle), OutboxIdentity.outboxOf(paths))) {
        CycleEntry entry = scanner.at(scanner.start());
        while (entry instanceof CycleEntry.Valid valid) {
          records.add(valid.record());
          entry = scanner.at(valid.next());
        }
      }
    }
    return records;
  }
}
