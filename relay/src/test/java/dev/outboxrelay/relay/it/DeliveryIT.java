package dev.outboxrelay.relay.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.relay.pipeline.PipelineEnd;
import dev.outboxrelay.relay.pipeline.PipelineRefused;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.Test;

/** Events reach a real broker, whatever that broker does. */
class DeliveryIT extends BrokerTest {

  @Test
  void everyEventArrivesOnceAndInOrderWithItsKeyHeadersAndEventId() throws Exception {
    broker().createTopic("all", 1, Map.of());
    List<String> ids = new ArrayList<>();
    try (OutboxUnderTest outbox = outbox()) {
      for (int i = 0; i < 10_000; i++) {
        OutboxEvent event =
            OutboxEvent.builder("all")
                .key("key-" + i % 7)
                .value("value-" + i)
                .header("n", "" + i)
                .build();
        ids.add(outbox.append(event).eventId().toString());
      }
    }
    try (RelayUnderTest relay = relay()) {
      relay.awaitSettled(10_000);
      assertThat(relay.stop()).isEqualTo(new PipelineEnd.Stopped(0, true));
      assertThat(relay.status().savedSequence()).isEqualTo(10_000);
      assertThat(relay.status().lagEvents()).isZero();
      assertThat(relay.status().lagBytes()).isZero();
    }
    List<ConsumerRecord<byte[], byte[]>> records = broker().read("all");
    assertThat(records).hasSize(10_000);
    for (int i = 0; i < 10_000; i++) {
      ConsumerRecord<byte[], byte[]> record = records.get(i);
      assertThat(text(record.value())).isEqualTo("value-" + i);
      assertThat(text(record.key())).isEqualTo("key-" + i % 7);
      assertThat(text(record.headers().lastHeader("n").value())).isEqualTo("" + i);
      assertThat(text(record.headers().lastHeader("outbox-event-id").value()))
          .isEqualTo(ids.get(i));
    }
  }

  @Test
  void aRestartGoesOnBehindTheLastSettledEventAndFollowsNewAppendsOverARoll() throws Exception {
    broker().createTopic("restart", 1, Map.of());
    try (OutboxUnderTest outbox = outbox()) {
      outbox.append("restart", 1, 100);
      try (RelayUnderTest relay = relay()) {
        relay.awaitSettled(100);
      }
      outbox.append("restart", 101, 100);
      try (RelayUnderTest relay = relay()) {
        relay.awaitSettled(200);
        outbox.append("restart", 201, 10);
        relay.awaitSettled(210);
        outbox.nextCycle();
        outbox.append("restart", 211, 10);
        relay.awaitSettled(220);
        assertThat(relay.told().standstills()).isEmpty();
      }
    }
    assertThat(values("restart")).isEqualTo(numbers(1, 220));
  }

  @Test
  void anEmptyOutboxIsCreatedAndItsFirstEventIsDelivered() throws Exception {
    broker().createTopic("first", 1, Map.of());
    try (RelayUnderTest relay = relay();
        OutboxUnderTest outbox = outbox()) {
      relay.awaitState("delivering");
      outbox.append("first", "hello");
      relay.awaitSettled(1);
    }
    assertThat(values("first")).containsExactly("hello");
  }

  @Test
  void aBrokerThatIsKilledAndComesBackGetsEverything() throws Exception {
    broker().createTopic("killed", 1, Map.of());
    try (OutboxUnderTest outbox = outbox();
        RelayUnderTest relay = relay()) {
      outbox.append("killed", 1, 1000);
      relay.awaitSettled(1000);
      broker().kill();
      outbox.append("killed", 1001, 1000);
      relay.awaitState("stalled");
      assertThat(relay.status().lagEvents()).isPositive();
      broker().start();
      relay.awaitSettled(2000);
      relay.awaitState("delivering");
    }
    assertThat(new ArrayList<>(new java.util.LinkedHashSet<>(values("killed"))))
        .isEqualTo(numbers(1, 2000));
  }

  @Test
  void aStopWhileTheBrokerIsAwayEndsInTimeAndLosesNothing() throws Exception {
    broker().createTopic("away", 1, Map.of());
    try (OutboxUnderTest outbox = outbox()) {
      outbox.append("away", 1, 100);
      try (RelayUnderTest relay = relay()) {
        relay.awaitSettled(100);
        broker().kill();
        outbox.append("away", 101, 100);
        relay.awaitState("stalled");
        // How many Kafka's client still took depends on when it noticed.
        assertThat(relay.stop()).isInstanceOf(PipelineEnd.Stopped.class);
        assertThat(relay.status().savedSequence()).isEqualTo(100);
      } finally {
        broker().start();
      }
      try (RelayUnderTest relay = relay()) {
        relay.awaitSettled(200);
      }
    }
    assertThat(values("away")).isEqualTo(numbers(1, 200));
  }

  @Test
  void aMissingTopicHoldsTheEventsBehindItUntilItIsCreated() throws Exception {
    broker().createTopic("present", 1, Map.of());
    try (OutboxUnderTest outbox = outbox();
        RelayUnderTest relay = relay()) {
      outbox.append("present", 1, 10);
      outbox.append("late", 1, 10);
      outbox.append("present", 11, 10);
      relay.awaitState("paused-topic");
      relay.awaitSettled(10);
      assertThat(relay.status().trouble().orElseThrow().cause().toString())
          .contains("late", "TOPIC_MISSING");
      assertThat(relay.status().settledSequence()).isEqualTo(10);
      broker().createTopic("late", 1, Map.of());
      relay.awaitSettled(30);
      relay.awaitState("delivering");
    }
    assertThat(values("late")).isEqualTo(numbers(1, 10));
    assertThat(values("present")).isEqualTo(numbers(1, 20));
  }

  @Test
  void aTopicThatIsDeletedUnderwayGoesOnOnceItIsCreatedAgain() throws Exception {
    broker().createTopic("deleted", 1, Map.of());
    try (OutboxUnderTest outbox = outbox();
        RelayUnderTest relay = relay()) {
      outbox.append("deleted", 1, 10);
      relay.awaitSettled(10);
      broker().deleteTopic("deleted");
      outbox.append("deleted", 11, 10);
      relay.awaitState("paused-topic");
      broker().createTopic("deleted", 1, Map.of());
      relay.awaitSettled(20);
    }
    assertThat(values("deleted")).containsAll(numbers(11, 20));
  }

  @Test
  void aTopicThatIsCreatedAnewWithFewerPartitionsGetsItsEvents() throws Exception {
    broker().createTopic("shrunk", 4, Map.of());
    try (OutboxUnderTest outbox = outbox();
        RelayUnderTest relay = relay()) {
      outbox.append("shrunk", 1, 1);
      relay.awaitSettled(1);
      broker().deleteTopic("shrunk");
      broker().createTopic("shrunk", 1, Map.of());
      for (int i = 2; i <= 9; i++) {
        // Some of them belong into a partition that is gone.
        outbox.append(OutboxEvent.builder("shrunk").key("key-" + i).value("" + i).build());
      }
      relay.awaitSettled(9);
    }
    assertThat(values("shrunk")).containsAll(numbers(2, 9));
  }

  @Test
  void aSecondRelayIsRefused() throws Exception {
    try (RelayUnderTest relay = relay()) {
      assertThatThrownBy(this::relay)
          .isInstanceOf(PipelineRefused.HeldByAnother.class)
          .hasMessageContaining(outboxDirectory().toString());
      assertThat(relay.state()).isNotEqualTo("stopped");
    }
  }
}
