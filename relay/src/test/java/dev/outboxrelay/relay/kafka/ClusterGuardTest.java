package dev.outboxrelay.relay.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.relay.deliver.Completion;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.kafka.clients.producer.MockProducer;
import org.apache.kafka.common.ClusterResource;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ClusterGuardTest {
  private final ClusterGuard guard = new ClusterGuard(Optional.empty());
  private final List<Integer> acked = new ArrayList<>();
  private final Connections connections = new Connections();
  private final MockProducer<byte[], byte[]> producer = new MockProducer<>();

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

        @Override
        public boolean isAlone() {
          return false;
        }
      };

  @BeforeEach
  void watch() {
    connections.of(producer);
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
    connections.makeOne();
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
    connections.makeOne();
    guard.acked("orders", 3, completion);
    seen("B");
    guard.acked("orders", 4, completion);
    seen("A");
    guard.acked("orders", 5, completion);
    assertThat(acked).isEmpty();
    assertThat(guard.isReplaced()).isTrue();
  }

  @Test
  void aProducerThatHasSeenTwoClustersIsClosedBeforeItSendsAnythingElse() {
    seen("A");
    assertThat(producer.closed()).isFalse();
    seen("B");
    assertThat(producer.closed()).isTrue();
    assertThat(guard.isDiscarded()).isTrue();
    seen("A"); // whatever comes after that
    assertThat(guard.latest()).isEqualTo("B");
  }

  @Test
  void aProducerThatFindsAnotherClusterThanTheNamedOneIsClosedAtOnce() {
    ClusterGuard pinned = new ClusterGuard(Optional.of("A"));
    pinned.watch(producer);
    pinned.onUpdate(new ClusterResource("B"));
    assertThat(producer.closed()).isTrue();
    assertThat(pinned.isDiscarded()).isTrue();
    assertThat(pinned.isReplaced()).isFalse();
    pinned.acked("orders", 3, completion);
    assertThat(acked).isEmpty();
  }

  @Test
  void aClusterIsConfirmedUntilAConnectionIsMadeOrLost() {
    assertThat(guard.isConfirmed()).isFalse();
    seen("A");
    assertThat(guard.isConfirmed()).isTrue();
    connections.loseOne();
    assertThat(guard.isConfirmed()).isFalse();
    connections.makeOne();
    assertThat(guard.isConfirmed()).isFalse();
    seen("A");
    assertThat(guard.isConfirmed()).isTrue();
    connections.makeOne();
    assertThat(guard.awaitConfirmed(1)).isFalse();
    seen("B");
    assertThat(guard.awaitConfirmed(Long.MAX_VALUE)).isFalse(); // it never will
  }

  @Test
  void brokersWithoutAClusterIdAreTakenAsTheyAre() {
    guard.onUpdate(new ClusterResource(null));
    guard.acked("orders", 3, completion);
    assertThat(acked).containsExactly(3);
    assertThat(guard.latest()).isNull();
  }
}
