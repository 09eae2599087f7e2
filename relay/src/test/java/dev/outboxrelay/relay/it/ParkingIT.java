package dev.outboxrelay.relay.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.outboxrelay.client.DeliveryOutcome;
import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.Receipt;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.relay.fact.Held;
import dev.outboxrelay.relay.pipeline.OutboxAtRest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.Test;

/** A topic that can't be written holds up no other one, and gets its events once it can be. */
class ParkingIT extends BrokerTest {
  private static final Duration NOW = Duration.ofMillis(1);

  private static void awaitDelivered(OutboxUnderTest outbox, Receipt receipt) {
    await()
        .atMost(RelayUnderTest.PATIENCE)
        .until(() -> outbox.waitDelivered(receipt, NOW) == DeliveryOutcome.DELIVERED);
  }

  /** As clients and a fleet see it. */
  private static void awaitNothingHeld(OutboxUnderTest outbox) {
    await()
        .atMost(RelayUnderTest.PATIENCE)
        .until(() -> OutboxAtRest.isSettled(outbox.paths().root()));
  }

  @Test
  void eventsOfAMissingTopicArePassedAndComeInOrderOnceItIsThere() throws Exception {
    broker().createTopic("passing", 1, Map.of());
    List<Receipt> parked = new ArrayList<>();
    try (OutboxUnderTest outbox = outbox()) {
      try (RelayUnderTest relay = relay("OUTBOX_PARK_AFTER", "1s")) {
        for (int i = 1; i <= 100; i++) {
          outbox.append("passing", "" + i);
          parked.add(outbox.append("absent", "" + i));
        }
        relay.awaitSettled(200);
        relay.awaitSaved(200);
        assertThat(relay.state()).isEqualTo("delivering"); // nothing waits behind it
        assertThat(relay.status().bars().count()).isEqualTo(1);
        assertThat(relay.status().parked())
            .extracting(Held::topics, Held::events)
            .containsExactly(1, 100L);
        assertThat(outbox.waitDelivered(parked.get(0), NOW)).isEqualTo(DeliveryOutcome.PARKED);
        broker().createTopic("absent", 1, Map.of());
        awaitDelivered(outbox, parked.get(99));
        relay.awaitState("delivering");
        outbox.append("absent", "101");
        relay.awaitSettled(201);
      }
      assertThat(outbox.paths().parked("absent").state()).exists();
    }
    assertThat(values("passing")).isEqualTo(numbers(1, 100));
    assertThat(values("absent")).isEqualTo(numbers(1, 101));
  }

  @Test
  void whatIsParkedOutlivesTheRelayAndKeepsWhatItWas() throws Exception {
    OutboxEvent event =
        OutboxEvent.builder("later")
            .key("k")
            .value("v")
            .header("h", "1")
            .header("h", "2")
            .partition(1)
            .build();
    try (OutboxUnderTest outbox = outbox()) {
      Receipt receipt;
      try (RelayUnderTest relay = relay("OUTBOX_PARK_AFTER", "0")) {
        receipt = outbox.append(event);
        relay.awaitSaved(1);
      }
      broker().createTopic("later", 2, Map.of());
      try (RelayUnderTest relay = relay("OUTBOX_PARK_AFTER", "off")) {
        awaitDelivered(outbox, receipt);
        assertThat(relay.status().delivered()).isEqualTo(1);
      }
      ConsumerRecord<byte[], byte[]> record = broker().read("later").get(0);
      assertThat(record.partition()).isEqualTo(1);
      assertThat(text(record.key())).isEqualTo("k");
      assertThat(text(record.value())).isEqualTo("v");
      assertThat(record.headers().toArray())
          .extracting(header -> header.key() + "=" + text(header.value()))
          .containsExactly("h=1", "h=2", "outbox-event-id=" + receipt.eventId());
      assertThat(record.timestamp()).isLessThan(System.currentTimeMillis() - 3_600_000);
    }
  }

  @Test
  void whatComesWhileALaneDeliversStaysBehindIt() throws Exception {
    broker().createTopic("good", 1, Map.of());
    try (OutboxUnderTest outbox = outbox();
        RelayUnderTest relay = relay("OUTBOX_PARK_AFTER", "0")) {
      outbox.append("draining", 1, 5_000);
      relay.awaitSettled(5_000);
      broker().createTopic("draining", 1, Map.of());
      int next = 5_001;
      while (!relay.state().equals("delivering") || next < 10_000) {
        outbox.append("draining", next++, 1);
        outbox.append("good", next, 1);
      }
      long last = outbox.append("draining", "" + next).sequence();
      relay.awaitSettled(last);
      await()
          .atMost(RelayUnderTest.PATIENCE)
          .until(() -> relay.status().parked().equals(Held.NOTHING));
      int sent = next;
      await().atMost(RelayUnderTest.PATIENCE).until(() -> values("draining").size() >= sent);
      awaitNothingHeld(outbox);
      assertThat(values("draining")).isEqualTo(numbers(1, next));
    }
  }

  @Test
  void withoutParkingEventsWaitInTheQueue() throws Exception {
    try (OutboxUnderTest outbox = outbox();
        RelayUnderTest relay = relay("OUTBOX_PARK_AFTER", "off")) {
      outbox.append("nowhere", 1, 10);
      relay.awaitState("paused-topic");
      assertThat(relay.status().settledSequence()).isZero();
      assertThat(new OutboxPaths(outbox.paths().root()).parked()).doesNotExist();
      broker().createTopic("nowhere", 1, Map.of());
      relay.awaitSettled(10);
    }
    assertThat(values("nowhere")).isEqualTo(numbers(1, 10));
  }

  @Test
  void whatItsLaneDeliversBeforeThePositionPassesItCountsAsDelivered() throws Exception {
    try (OutboxUnderTest outbox = outbox();
        RelayUnderTest relay = relay("OUTBOX_PARK_AFTER", "5s")) {
      outbox.append("early", "1");
      relay.awaitSaved(1);
      outbox.append("behind", "1");
      relay.awaitBars(2);
      Receipt second = outbox.append("early", "2");
      broker().createTopic("early", 1, Map.of());
      await().atMost(RelayUnderTest.PATIENCE).until(() -> values("early").size() == 2);
      relay.awaitSaved(second.sequence());
      awaitDelivered(outbox, second);
    }
  }
}
