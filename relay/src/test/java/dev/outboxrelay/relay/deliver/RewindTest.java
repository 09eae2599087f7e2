package dev.outboxrelay.relay.deliver;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What was acked behind something that was not, when all of it comes again. */
class RewindTest {
  private static final Duration BACKOFF = Duration.ofSeconds(2);

  private final DeliveryWithLanes world = new DeliveryWithLanes(100);
  private final FakeKafka kafka = world.kafka;

  @BeforeEach
  void start() {
    kafka.topics.addAll(List.of("a", "b"));
    world.begin(fact -> {});
  }

  /** The first one is never answered, all others are. */
  private void sendAndAckAllButTheFirst() {
    kafka.silent.add("a");
    world.turns(6);
    kafka.answerAll();
    world.turns(1);
  }

  @Test
  void itIsSettledWithoutBeingSentAgain() {
    world.append("a", "b", "b");
    sendAndAckAllButTheFirst();
    kafka.silent.clear();
    kafka.loseSender("died");
    world.pass(BACKOFF);
    kafka.answerAll();
    world.turns(2);
    assertThat(kafka.log).containsExactly(2L, 3L, 1L);
    assertThat(world.settled()).isEqualTo(3);
  }

  @Test
  void itIsRememberedOverSeveralRewinds() {
    world.append("a", "b", "b");
    sendAndAckAllButTheFirst();
    for (int i = 0; i < 3; i++) {
      kafka.loseSender("died");
      world.pass(BACKOFF);
    }
    kafka.silent.clear();
    kafka.answerAll();
    world.turns(2);
    assertThat(kafka.log).containsExactly(2L, 3L, 1L);
    assertThat(kafka.connects).isEqualTo(4);
  }

  @Test
  void whatComesBehindItIsSentAloneUntilTheNewSenderHasAnAck() {
    world.append("a", "b");
    sendAndAckAllButTheFirst();
    kafka.silent.add("b");
    world.append("b", "b");
    kafka.loseSender("died");
    world.pass(BACKOFF);
    assertThat(kafka.inFlight()).isEqualTo(1);
    assertThat(world.delivery().standing().label()).isEqualTo("probing");
  }

  @Test
  void whatIsBehindAnUnackedOneOfItsOwnTopicIsSentAgain() {
    world.append("a", "a", "b");
    world.turns(6);
    kafka.answerAllButTheOldest(0);
    kafka.loseSender("died");
    world.pass(BACKOFF);
    for (int i = 0; i < 3; i++) {
      kafka.answerAll();
      world.turns(2);
    }
    assertThat(kafka.log).containsExactly(2L, 3L, 1L, 2L);
    assertThat(world.settled()).isEqualTo(3);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void anotherClusterGetsItAgain(boolean seenByTheSenderBefore) {
    world.append("a", "b");
    sendAndAckAllButTheFirst();
    kafka.silent.clear();
    if (!seenByTheSenderBefore) {
      kafka.loseSender("died");
      world.turns(1);
    }
    kafka.replaceCluster("B");
    world.pass(BACKOFF);
    for (int i = 0; i < 3; i++) {
      kafka.answerAll();
      world.turns(2);
    }
    assertThat(kafka.former).containsExactly(2L);
    assertThat(kafka.log).containsExactly(1L, 2L);
  }

  @Test
  void itWaitsForTheClusterToBeKnownAndIsNotParkedMeanwhile() {
    world.append("a", "b");
    sendAndAckAllButTheFirst();
    kafka.topics.remove("b");
    world.append("b");
    world.turns(4);
    kafka.reachable = false;
    kafka.loseSender("died");
    world.pass(Duration.ofSeconds(20));
    assertThat(world.settled()).isZero();
    kafka.reachable = true;
    kafka.silent.clear();
    for (int i = 0; i < 10; i++) {
      world.pass(BACKOFF);
      kafka.answerAll();
    }
    assertThat(kafka.log).containsExactly(2L, 1L);
    assertThat(world.lanes.parked("b")).containsExactly(3L);
  }

  @Test
  void whenAllOfItIsSettledNothingIsInTroubleAnyMore() {
    kafka.topics.remove("a");
    world.append("b");
    world.turns(6);
    kafka.answerAll();
    world.turns(1);
    world.append("b");
    world.turns(2);
    kafka.answerAll();
    kafka.loseSender("died");
    world.pass(BACKOFF);
    assertThat(world.settled()).isEqualTo(2);
    assertThat(world.delivery().standing().label()).isEqualTo("delivering");
  }
}
