package dev.outboxrelay.relay.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.relay.deliver.Completion;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.producer.MockProducer;
import org.apache.kafka.common.ClusterResource;
import org.apache.kafka.common.Metric;
import org.apache.kafka.common.MetricName;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ClusterGuardTest {
  private final ClusterGuard guard = new ClusterGuard();
  private final List<Integer> acked = new ArrayList<>();
  private double connections = 1;

  private final Completion completion =
      new Completion() {
        @Override
        public void acked(int partition) {
          acked.add(partition);
        }

        @Override
        public void failed(Throwable error) {
          throw new AssertionError(error);
        }
      };

  @BeforeEach
  void watch() {
    MetricName name = new MetricName("connection-creation-total", "producer-metrics", "", Map.of());
    Metric count =
        new Metric() {
          @Override
          public MetricName metricName() {
            return name;
          }

          @Override
          public Object metricValue() {
            return connections;
          }
        };
    MockProducer<byte[], byte[]> producer = new MockProducer<>();
    producer.setMockMetrics(name, count);
    guard.watch(producer);
  }

  private void seen(String id) {
    guard.onUpdate(new ClusterResource(id));
  }

  @Test
  void anAckOnAConnectionWhoseClusterIsKnownCountsAtOnce() {
    seen("A");
    guard.acked("orders", 3, completion);
    assertThat(acked).containsExactly(3);
    assertThat(guard.unconfirmedTopic()).isNull();
  }

  @Test
  void anAckOnANewConnectionCountsOnceTheSameClusterWasSeenAgain() {
    seen("A");
    connections++;
    guard.acked("orders", 3, completion);
    assertThat(acked).isEmpty();
    assertThat(guard.unconfirmedTopic()).isEqualTo("orders");
    seen("A");
    assertThat(acked).containsExactly(3);
    assertThat(guard.unconfirmedTopic()).isNull();
    assertThat(guard.isReplaced()).isFalse();
  }

  @Test
  void anAckOfAnotherClusterNeverCounts() {
    seen("A");
    connections++;
    guard.acked("orders", 3, completion);
    seen("B");
    guard.acked("orders", 4, completion);
    seen("A");
    guard.acked("orders", 5, completion);
    assertThat(acked).isEmpty();
    assertThat(guard.isReplaced()).isTrue();
  }

  @Test
  void brokersWithoutAClusterIdAreTakenAsTheyAre() {
    guard.onUpdate(new ClusterResource(null));
    guard.acked("orders", 3, completion);
    assertThat(acked).containsExactly(3);
    assertThat(guard.latest()).isNull();
  }
}
