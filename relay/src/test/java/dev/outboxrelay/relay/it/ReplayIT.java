package dev.outboxrelay.relay.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import dev.outboxrelay.client.DeliveryOutcome;
import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.Receipt;
import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.files.PositionFile;
import dev.outboxrelay.relay.control.ControlFiles;
import dev.outboxrelay.relay.control.Request;
import dev.outboxrelay.relay.control.Selection;
import dev.outboxrelay.relay.control.Verb;
import dev.outboxrelay.relay.pipeline.OutboxAtRest;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.UUID;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.Test;

/** What the Java client is told of events that an operator has sent once more, or gives up. */
class ReplayIT extends BrokerTest {
  private static final Duration NOW = Duration.ofMillis(1);

  private static void awaitOutcome(
      OutboxUnderTest outbox, Receipt receipt, DeliveryOutcome outcome) {
    await()
        .atMost(RelayUnderTest.PATIENCE)
        .until(() -> outbox.waitDelivered(receipt, NOW) == outcome);
  }

  /** What clients count beside what waits. */
  private static long held(OutboxUnderTest outbox) throws IOException {
    return PositionFile.find(outbox.paths().position()).orElseThrow().heldBytes();
  }

  /** What a running relay answers. */
  private static JsonNode ask(OutboxUnderTest outbox, Verb verb, String topic) throws IOException {
    ControlFiles files = new ControlFiles(outbox.paths(), Disk.REAL);
    UUID id = UUID.randomUUID();
    files.submit(new Request(id, verb, Selection.ALL, topic));
    await().atMost(RelayUnderTest.PATIENCE).until(() -> files.answer(id).isPresent());
    return files.answer(id).orElseThrow();
  }

  @Test
  void aDeadLetterThatIsReplayedIsToldAsParkedAndThenAsDelivered() throws Exception {
    broker().createTopic("narrow", 1, Map.of("max.message.bytes", "1000"));
    try (OutboxUnderTest outbox = outbox()) {
      Receipt receipt;
      try (RelayUnderTest relay = relay()) {
        receipt = outbox.append("narrow", "x".repeat(2_000));
        relay.awaitSaved(1);
        assertThat(outbox.waitDelivered(receipt, NOW)).isEqualTo(DeliveryOutcome.DEAD);
        await().atMost(RelayUnderTest.PATIENCE).until(() -> held(outbox) > 2_000);
        assertThat(OutboxAtRest.isSettled(outbox.paths().root())).isTrue();
        JsonNode answer = ask(outbox, Verb.REPLAY_LETTERS, "absent");
        assertThat(answer.path("replayed").asLong()).isEqualTo(1);
        assertThat(outbox.waitDelivered(receipt, NOW)).isEqualTo(DeliveryOutcome.PARKED);
        assertThat(OutboxAtRest.isSettled(outbox.paths().root())).isFalse();
      }
      broker().createTopic("absent", 1, Map.of());
      try (RelayUnderTest relay = relay()) {
        awaitOutcome(outbox, receipt, DeliveryOutcome.DELIVERED);
        assertThat(relay.status().delivered()).isEqualTo(1);
      }
      ConsumerRecord<byte[], byte[]> record = broker().read("absent").get(0);
      assertThat(text(record.key())).isEqualTo("key");
      assertThat(record.headers().toArray())
          .extracting(header -> header.key() + "=" + text(header.value()))
          .containsExactly("outbox-original-topic=narrow", "outbox-event-id=" + receipt.eventId());
    }
    assertThat(values("narrow")).isEmpty();
  }

  @Test
  void whatIsGivenUpWhileItIsParkedIsToldAsDead() throws Exception {
    try (OutboxUnderTest outbox = outbox();
        RelayUnderTest relay = relay("OUTBOX_PARK_AFTER", "0")) {
      Receipt receipt = outbox.append(OutboxEvent.of("missing", "v"));
      relay.awaitSaved(1);
      assertThat(outbox.waitDelivered(receipt, NOW)).isEqualTo(DeliveryOutcome.PARKED);
      JsonNode answer = ask(outbox, Verb.DISCARD_PARKED, "missing");
      assertThat(answer.path("discarded").asLong()).isEqualTo(1);
      assertThat(outbox.waitDelivered(receipt, NOW)).isEqualTo(DeliveryOutcome.DEAD);
      await()
          .atMost(RelayUnderTest.PATIENCE)
          .until(() -> OutboxAtRest.isSettled(outbox.paths().root()));
      broker().createTopic("missing", 1, Map.of());
      Receipt next = outbox.append(OutboxEvent.of("missing", "w"));
      awaitOutcome(outbox, next, DeliveryOutcome.DELIVERED);
    }
    assertThat(values("missing")).containsExactly("w");
  }
}
