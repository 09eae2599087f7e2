package dev.outboxrelay.relay.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** More new topics at once than are asked for one by one. */
class ManyTopicsIT extends BrokerTest {
  private static final int TOPICS = 50;
  private static final int EVENTS_OF_EACH = 4;

  @TempDir private Path data;

  /** Of the client that asks for many, and is made for that alone. */
  private static boolean isAskedForMany() {
    return Thread.getAllStackTraces().keySet().stream()
        .anyMatch(thread -> thread.getName().contains("-many-topics"));
  }

  private static long append(OutboxUnderTest outbox) {
    long last = 0;
    for (int i = 1; i <= EVENTS_OF_EACH; i++) {
      for (int topic = 0; topic < TOPICS; topic++) {
        last = outbox.append("t" + topic, Integer.toString(i)).sequence();
      }
    }
    return last;
  }

  @Test
  void manyMissingTopicsAreAskedForTogetherAndThoseThatComeGetTheirEvents() throws Exception {
    broker().createTopic("good", 1, Map.of());
    try (OutboxUnderTest outbox = outbox();
        RelayUnderTest relay = relay("OUTBOX_PARK_AFTER", "1s")) {
      append(outbox);
      long last = outbox.append("good", "1").sequence();
      relay.awaitBars(TOPICS);
      await().atMost(RelayUnderTest.PATIENCE).until(ManyTopicsIT::isAskedForMany);
      relay.awaitSaved(last);
      assertThat(values("good")).isEqualTo(numbers(1, 1));
      List<String> came = new ArrayList<>();
      for (int topic = 0; topic < TOPICS; topic += 5) {
        came.add("t" + topic);
        broker().createTopic("t" + topic, 1, Map.of());
      }
      for (String topic : came) {
        await()
            .atMost(RelayUnderTest.PATIENCE)
            .until(() -> values(topic).equals(numbers(1, EVENTS_OF_EACH)));
      }
      await()
          .atMost(RelayUnderTest.PATIENCE)
          .until(() -> relay.status().bars().count() == TOPICS - came.size());
    }
  }

  @Test
  void whereBrokersCreateTopicsThatAreNamedManyNewOnesGetTheirEventsInOrder() throws Exception {
    try (Broker creating = new Broker(data.resolve("creating"), "--auto-create-topics");
        OutboxUnderTest outbox = outbox();
        RelayUnderTest relay = new RelayUnderTest(outboxDirectory(), creating.bootstrap())) {
      relay.awaitSettled(append(outbox));
      for (int topic = 0; topic < TOPICS; topic++) {
        String name = "t" + topic;
        await()
            .atMost(RelayUnderTest.PATIENCE)
            .until(() -> creating.read(name).size() == EVENTS_OF_EACH);
        assertThat(creating.read(name))
            .extracting(record -> text(record.value()))
            .isEqualTo(numbers(1, EVENTS_OF_EACH));
      }
      await().atMost(RelayUnderTest.PATIENCE).until(() -> relay.status().bars().count() == 0);
    }
  }
}
