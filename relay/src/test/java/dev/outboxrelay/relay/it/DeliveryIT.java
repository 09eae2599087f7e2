package dev.outboxrelay.relay.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.client.Outbox;
import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.relay.pipeline.PipelineEnd;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 180, unit = TimeUnit.SECONDS)
class DeliveryIT {
  @TempDir static Path brokerData;
  private static Broker broker;

  @TempDir private Path dir;

  @BeforeAll
  static void startBroker() throws Exception {
    broker = new Broker(brokerData.resolve("kafka"));
  }

  @AfterAll
  static void stopBroker() {
    broker.close();
  }

  @Test
  void everyEventArrivesOnceAndInOrderWithItsKeyHeadersAndEventId() throws Exception {
    broker.createTopic("all", 1, Map.of());
    List<String> ids = new ArrayList<>();
    try (Outbox outbox = outbox()) {
      for (int i = 0; i < 10_000; i++) {
        ids.add(
            outbox
                .append(
                    OutboxEvent.builder("all")
                        .key("key-" + i % 7)
                        .value("value-" + i)
                        .header("n", "" + i)
                        .build())
                .eventId()
                .toString());
      }
    }
    try (RelayUnderTest relay = relay()) {
      relay.awaitSettled(10_000);
      assertThat(relay.stop()).isEqualTo(new PipelineEnd.Stopped(0));
      assertThat(relay.status().savedSequence()).isEqualTo(10_000);
      assertThat(relay.status().lagEvents()).isZero();
      assertThat(relay.status().lagBytes()).isZero();
    }
    List<ConsumerRecord<byte[], byte[]>> records = broker.read("all");
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

  private Outbox outbox() {
    return Outbox.builder().path(dir.resolve("outbox")).trustParent(true).open();
  }

  private RelayUnderTest relay() {
    return new RelayUnderTest(dir.resolve("outbox"), broker.bootstrap());
  }

  private static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.UTF_8);
  }
}
