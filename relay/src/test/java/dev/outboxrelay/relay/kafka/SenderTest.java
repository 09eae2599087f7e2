package dev.outboxrelay.relay.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.relay.deliver.Completion;
import dev.outboxrelay.relay.kafka.settings.KafkaSettings;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.TreeMap;
import org.apache.kafka.clients.producer.MockProducer;
import org.apache.kafka.common.ClusterResource;
import org.junit.jupiter.api.Test;

class SenderTest {
  private static final long MINUTE = Duration.ofMinutes(1).toNanos();
  private static final Completion NOBODY =
      new Completion() {
        @Override
        public void acked(int partition) {}

        @Override
        public void failed(Throwable error) {}

        @Override
        public boolean isAlone() {
          return false;
        }
      };

  private final MockProducer<byte[], byte[]> producer = new MockProducer<>();
  private final ClusterGuard guard = new ClusterGuard(Optional.empty());
  private final OtherSide otherSide = new OtherSide(Optional.empty(), Duration.ofSeconds(1));
  private final Queue<Runnable> worker = new ArrayDeque<>();
  private final Connections connections = new Connections();

  private Sender sender(Map<String, String> strangers) {
    connections.of(producer);
    guard.watch(producer);
    Map<String, String> env = Map.of("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1");
    KafkaSettings settings =
        KafkaSettings.from(env, 1 << 20, false, new ArrayList<>(), new ArrayList<>());
    return new Sender(producer, guard, new Bootstrap(settings, new TreeMap<>(strangers)), 0);
  }

  /** The worker may be busy for long: with addresses that nobody answers at, for example. */
  private void assertAskedOnceAtATime(Sender sender) {
    for (int minute = 1; minute <= 10; minute++) {
      var unused = sender.look(minute * MINUTE, otherSide, worker::add);
    }
    assertThat(worker).hasSize(1);
    worker.remove().run();
    var unused = sender.look(11 * MINUTE, otherSide, worker::add);
    assertThat(worker).hasSize(1);
  }

  @Test
  void whatConfirmsAClusterIsAskedForOnceAtATime() {
    Sender sender = sender(Map.of());
    guard.onUpdate(new ClusterResource("A"));
    connections.makeOne();
    guard.acked("orders", 0, NOBODY);
    assertAskedOnceAtATime(sender);
  }

  @Test
  void whetherStrangersHaveGoneIsLookedAtOnceAtATime() {
    assertAskedOnceAtATime(sender(Map.of("127.0.0.1:1", "speaks HTTP, not Kafka")));
  }
}
