package dev.outboxrelay.relay.deliver;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.relay.deliver.DeliveryState.Delivering;
import dev.outboxrelay.relay.fact.Fact;
import dev.outboxrelay.relay.fact.PauseReason;
import dev.outboxrelay.relay.fact.Troubles;
import dev.outboxrelay.relay.fact.Verdict;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** One topic that can't be written, beside one that can. */
class ParkingTest {
  private final DeliveryWithLanes world = new DeliveryWithLanes(6);
  private final FakeKafka kafka = world.kafka;
  private final FakeDisk disk = world.disk;
  private final FakeLanes lanes = world.lanes;
  private final List<Fact> facts = new ArrayList<>();
  private Troubles troubles;

  @BeforeEach
  void start() {
    kafka.topics.add("good");
    begin();
  }

  private void begin() {
    troubles = new Troubles(world.time.clocks().wall());
    world.begin(
        fact -> {
          facts.add(fact);
          troubles.tell(fact);
        });
  }

  @Test
  void eventsOfOthersPassWhatWaits() {
    world.append("bad", "good", "bad", "good");
    world.turns(6);
    assertThat(kafka.inFlight()).isEqualTo(2);
    kafka.answerAll();
    world.turns(1);
    assertThat(kafka.log).containsExactly(2L, 4L);
    assertThat(world.settled()).isZero();
    assertThat(lanes.parked("bad")).isEmpty();
    assertThat(troubles.bars().count(PauseReason.TOPIC_MISSING)).isEqualTo(1);
  }

  @Test
  void whatWaitedIsSentInOrderOnceItsTopicIsThere() {
    world.append("bad", "good", "bad");
    world.turns(6);
    kafka.topics.add("bad");
    world.pass(Duration.ofSeconds(2));
    kafka.answerAll();
    world.turns(2);
    assertThat(kafka.log).containsExactly(2L, 1L, 3L);
    assertThat(world.settled()).isEqualTo(3);
    assertThat(troubles.bars().count()).isZero();
    assertThat(facts).contains(new Fact.TopicOpened("bad"));
    assertThat(kafka.connects).isEqualTo(1);
  }

  @Test
  void whatWaitsForLongIsParkedAndThePositionPassesIt() {
    world.append("bad", "good", "bad");
    world.turns(6);
    kafka.answerAll();
    world.pass(DeliveryWithLanes.PARK_AFTER);
    assertThat(lanes.parked("bad")).containsExactly(1L, 3L);
    assertThat(world.settled()).isEqualTo(3);
    assertThat(disk.undelivered).containsExactlyInAnyOrder(1L, 3L);
    assertThat(facts)
        .contains(new Fact.TopicParked("bad"), new Fact.Parked("bad", FakeQueue.BYTES));
    assertThat(world.delivery().standing().label()).isEqualTo("delivering");
    assertThat(kafka.connects).isEqualTo(1);
  }

  @Test
  void manyMissingTopicsAreFoundOutTogetherAndOneThatComesGetsItsEvents() {
    DeliveryWithLanes many = new DeliveryWithLanes(64);
    many.kafka.topics.add("good");
    many.begin(facts::add);
    many.turns(2);
    for (int missing = 0; missing < 40; missing++) {
      many.append("missing-" + missing);
    }
    many.append("good");
    many.turns(30);
    many.kafka.answerAll();
    assertThat(many.kafka.log).containsExactly(41L);
    assertThat(many.kafka.questionsForMany).isBetween(1, 3);
    assertThat(many.kafka.questions).isLessThan(20);
    many.kafka.topics.add("missing-30");
    for (int passed = 0; passed < 3_000; passed += 10) {
      many.time.advance(Duration.ofMillis(10));
      many.turns(1);
    }
    many.kafka.answerAll();
    assertThat(many.kafka.log).containsExactly(41L, 31L);
    assertThat(many.kafka.connects).isEqualTo(1);
  }

  @Test
  void aClusterThatDoesNotAnswerForManyTopicsBarsNone() {
    DeliveryWithLanes many = new DeliveryWithLanes(64);
    many.begin(facts::add);
    many.turns(2);
    for (int missing = 0; missing < 9; missing++) {
      many.append("missing-" + missing);
    }
    many.turns(30);
    many.kafka.reachable = false;
    facts.clear();
    for (int more = 0; more < 40; more++) {
      many.append("more-" + more);
    }
    many.pass(Duration.ofSeconds(30));
    assertThat(many.kafka.questionsForMany).isPositive();
    assertThat(facts)
        .filteredOn(
            fact -> fact instanceof Fact.TopicBarred barred && barred.topic().startsWith("more"))
        .isEmpty();
  }

  @Test
  void aTopicOfWhichAllWasGivenUpIsNoTroubleUntilItsNextEvent() {
    world.append("bad", "good", "bad");
    world.turns(6);
    kafka.answerAll();
    world.pass(DeliveryWithLanes.PARK_AFTER);
    assertThat(world.settled()).isEqualTo(3);
    lanes.discard("bad");
    world.pass(Duration.ofMinutes(1));
    assertThat(facts).containsOnlyOnce(new Fact.TopicForgotten("bad"));
    assertThat(troubles.bars().count()).isZero();
    assertThat(troubles.now()).isEmpty();
    world.append("bad");
    world.pass(Duration.ofSeconds(1));
    assertThat(troubles.bars().count(PauseReason.TOPIC_MISSING)).isEqualTo(1);
    kafka.topics.add("bad");
    world.pass(Duration.ofSeconds(2));
    kafka.answerAll();
    world.turns(2);
    assertThat(kafka.log).containsExactly(2L, 4L);
    assertThat(world.settled()).isEqualTo(4);
  }

  @Test
  void whereTheWindowIsFullBarredTopicsAreParkedAtOnce() {
    world.append("bad", "bad", "bad", "good", "bad", "bad", "bad", "good", "good");
    for (int i = 0; i < 20; i++) {
      world.turns(1);
      kafka.answerAll();
    }
    assertThat(kafka.log).containsExactly(4L, 8L, 9L);
    assertThat(world.settled()).isEqualTo(9);
  }

  @Test
  void aTopicWithoutAcksIsBarredAndParkedWhileOthersAreAcked() {
    kafka.topics.add("bad");
    world.append("bad");
    world.turns(4);
    world.append("good");
    world.time.advance(Duration.ofMillis(1));
    world.turns(4);
    kafka.answerAllButTheOldest(0);
    world.pass(Duration.ofSeconds(6));
    for (int i = 0; i < 10; i++) {
      world.pass(Duration.ofSeconds(1));
      kafka.answerAll();
    }
    assertThat(lanes.parked("bad")).containsExactly(1L);
    assertThat(world.settled()).isEqualTo(2);
    assertThat(facts)
        .anySatisfy(
            fact ->
                assertThat(fact)
                    .isInstanceOfSatisfying(
                        Fact.TopicBarred.class,
                        barred ->
                            assertThat(barred.trouble().cause())
                                .isEqualTo(
                                    new Verdict.PauseTopic(
                                        "bad",
                                        PauseReason.NO_ACK,
                                        "no ack for topic bad, while others come"))));
    assertThat(kafka.connects).isEqualTo(2);
  }

  @Test
  void whereNothingIsAckedNoTopicIsToBlame() {
    kafka.topics.add("bad");
    world.append("bad", "good");
    world.turns(6);
    world.pass(Duration.ofSeconds(30));
    assertThat(kafka.connects).isEqualTo(1);
    assertThat(world.delivery().standing().label()).isEqualTo("stalled");
    assertThat(troubles.bars().count()).isZero();
  }

  @Test
  void whereNoBrokerIsConnectedNoTopicIsToBlameForAcksThatCameBefore() {
    kafka.topics.add("bad");
    world.append("bad", "good");
    world.turns(6);
    kafka.answerAllButTheOldest(0);
    kafka.reachable = false;
    world.pass(Duration.ofSeconds(30));
    assertThat(troubles.bars().count()).isZero();
    assertThat(world.delivery().standing().label()).isEqualTo("stalled");
  }

  @Test
  void whatIsOnItsWayOfATopicThatIsParkedIsSentAgainFromItsLane() {
    kafka.topics.add("bad");
    world.append("bad");
    world.turns(4);
    kafka.topics.remove("bad");
    world.pass(Duration.ofSeconds(12));
    world.append("bad", "good");
    for (int i = 0; i < 10; i++) {
      world.pass(Duration.ofSeconds(1));
      kafka.answerAll();
    }
    assertThat(lanes.parked("bad")).containsExactly(1L, 2L);
    assertThat(world.settled()).isEqualTo(3);
    assertThat(kafka.log).containsExactly(3L);
  }

  @Test
  void anEmptiedLaneGivesItsTopicBack() {
    world.append("bad", "bad");
    world.pass(DeliveryWithLanes.PARK_AFTER.plusSeconds(1));
    kafka.topics.add("bad");
    for (int i = 0; i < 10; i++) {
      world.pass(Duration.ofSeconds(1));
      lanes.work();
      lanes.save();
    }
    assertThat(kafka.log).containsExactly(1L, 2L);
    assertThat(facts).contains(new Fact.TopicOpened("bad"));
    world.append("bad");
    world.turns(6);
    kafka.answerAll();
    world.turns(1);
    assertThat(kafka.log).containsExactly(1L, 2L, 3L);
    assertThat(lanes.parked("bad")).hasSize(2);
    assertThat(world.delivery().state()).isInstanceOf(Delivering.class);
  }

  @Test
  void whatAnEarlierRunHasParkedComesBeforeWhatIsNew() {
    world.append("bad");
    world.pass(DeliveryWithLanes.PARK_AFTER.plusSeconds(1));
    disk.save();
    kafka.disconnect();
    kafka.topics.add("bad");
    world.append("bad");
    begin();
    world.turns(8);
    assertThat(kafka.sends).isZero();
    assertThat(lanes.parked("bad")).containsExactly(1L, 2L);
    for (int i = 0; i < 10; i++) {
      world.pass(Duration.ofSeconds(1));
      lanes.work();
      lanes.save();
    }
    assertThat(kafka.log).containsExactly(1L, 2L);
  }

  @Test
  void aStopWaitsForNothingThatWaits() {
    world.append("bad", "good");
    world.turns(6);
    kafka.answerAll();
    world.delivery().drain(world.time.clocks().nanos() + Duration.ofSeconds(20).toNanos());
    world.turns(2);
    assertThat(world.delivery().state()).isInstanceOf(DeliveryState.Stopped.class);
    assertThat(world.delivery().ledger().inFlight()).isEqualTo(2);
    assertThat(troubles.now()).isEmpty();
  }
}
