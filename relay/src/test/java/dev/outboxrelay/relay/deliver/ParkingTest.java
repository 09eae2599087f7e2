package dev.outboxrelay.relay.deliver;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.relay.deliver.DeliveryState.Delivering;
import dev.outboxrelay.relay.deliver.route.Routes;
import dev.outboxrelay.relay.fact.Fact;
import dev.outboxrelay.relay.fact.PauseReason;
import dev.outboxrelay.relay.fact.Troubles;
import dev.outboxrelay.relay.fact.Verdict;
import dev.outboxrelay.relay.tail.Bookmark;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** One topic that can't be written, beside one that can. */
class ParkingTest {
  private static final Duration PARK_AFTER = Duration.ofSeconds(5);
  private static final int WINDOW = 6;

  private final ManualClocks time = new ManualClocks();
  private final FakeQueue queue = new FakeQueue();
  private final FakeKafka kafka = new FakeKafka();
  private final FakeDisk disk = new FakeDisk();
  private final FakeLanes lanes = new FakeLanes(kafka, disk);
  private final List<Fact> facts = new ArrayList<>();
  private Troubles troubles;
  private Delivery delivery;

  @BeforeEach
  void start() {
    kafka.topics.add("good");
    disk.lanes = lanes;
    begin();
  }

  private void begin() {
    queue.rewind(disk.saved == null ? Bookmark.START : disk.saved.bookmark());
    troubles = new Troubles(time.clocks().wall());
    delivery =
        new Delivery(
            queue,
            new Routes(kafka, lanes, PARK_AFTER.toNanos(), time.clocks().nanos()),
            kafka,
            disk,
            fact -> {
              facts.add(fact);
              troubles.tell(fact);
            },
            new Limits(
                WINDOW,
                100 * FakeQueue.BYTES,
                Lease.WHOLE,
                new Backoff(Duration.ofMillis(100), Duration.ofSeconds(1)),
                Duration.ofSeconds(5),
                Duration.ofMinutes(2),
                0),
            new SplittableRandom(1),
            time.clocks(),
            disk.saved,
            disk.cluster);
  }

  private void append(String... topics) {
    for (String topic : topics) {
      queue.append(topic);
    }
  }

  private void turns(int count) {
    for (int i = 0; i < count; i++) {
      delivery.doWork();
      disk.work();
    }
  }

  /** So much time passes, and everything is done as it becomes due. */
  private void pass(Duration duration) {
    for (Duration left = duration; !left.isNegative(); left = left.minusMillis(500)) {
      time.advance(Duration.ofMillis(500));
      turns(2);
    }
  }

  private long settled() {
    return delivery.ledger().settled() == null ? 0 : delivery.ledger().settled().sequence();
  }

  @Test
  void eventsOfOthersPassWhatWaits() {
    append("bad", "good", "bad", "good");
    turns(6);
    assertThat(kafka.inFlight()).isEqualTo(2);
    kafka.answerAll();
    turns(1);
    assertThat(kafka.log).containsExactly(2L, 4L);
    assertThat(settled()).isZero();
    assertThat(lanes.parked("bad")).isEmpty();
    assertThat(troubles.bars().count(PauseReason.TOPIC_MISSING)).isEqualTo(1);
  }

  @Test
  void whatWaitedIsSentInOrderOnceItsTopicIsThere() {
    append("bad", "good", "bad");
    turns(6);
    kafka.topics.add("bad");
    pass(Duration.ofSeconds(2));
    kafka.answerAll();
    turns(2);
    assertThat(kafka.log).containsExactly(2L, 1L, 3L);
    assertThat(settled()).isEqualTo(3);
    assertThat(troubles.bars().count()).isZero();
    assertThat(facts).contains(new Fact.TopicOpened("bad"));
    assertThat(kafka.connects).isEqualTo(1);
  }

  @Test
  void whatWaitsForLongIsParkedAndThePositionPassesIt() {
    append("bad", "good", "bad");
    turns(6);
    kafka.answerAll();
    pass(PARK_AFTER);
    assertThat(lanes.parked("bad")).containsExactly(1L, 3L);
    assertThat(settled()).isEqualTo(3);
    assertThat(disk.undelivered).containsExactlyInAnyOrder(1L, 3L);
    assertThat(facts)
        .contains(new Fact.TopicParked("bad"), new Fact.Parked("bad", FakeQueue.BYTES));
    assertThat(delivery.standing().label()).isEqualTo("delivering");
    assertThat(kafka.connects).isEqualTo(1);
  }

  @Test
  void whereTheWindowIsFullBarredTopicsAreParkedAtOnce() {
    append("bad", "bad", "bad", "good", "bad", "bad", "bad", "good", "good");
    for (int i = 0; i < 20; i++) {
      turns(1);
      kafka.answerAll();
    }
    assertThat(kafka.log).containsExactly(4L, 8L, 9L);
    assertThat(settled()).isEqualTo(9);
  }

  @Test
  void aTopicWithoutAcksIsBarredAndParkedWhileOthersAreAcked() {
    kafka.topics.add("bad");
    append("bad");
    turns(4);
    append("good");
    time.advance(Duration.ofMillis(1));
    turns(4);
    kafka.answerAllButTheOldest(0);
    pass(Duration.ofSeconds(6));
    for (int i = 0; i < 10; i++) {
      pass(Duration.ofSeconds(1));
      kafka.answerAll();
    }
    assertThat(lanes.parked("bad")).containsExactly(1L);
    assertThat(settled()).isEqualTo(2);
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
    append("bad", "good");
    turns(6);
    pass(Duration.ofSeconds(30));
    assertThat(kafka.connects).isEqualTo(1);
    assertThat(delivery.standing().label()).isEqualTo("stalled");
    assertThat(troubles.bars().count()).isZero();
  }

  @Test
  void whereNoBrokerIsConnectedNoTopicIsToBlameForAcksThatCameBefore() {
    kafka.topics.add("bad");
    append("bad", "good");
    turns(6);
    kafka.answerAllButTheOldest(0);
    kafka.reachable = false;
    pass(Duration.ofSeconds(30));
    assertThat(troubles.bars().count()).isZero();
    assertThat(delivery.standing().label()).isEqualTo("stalled");
  }

  @Test
  void whatIsOnItsWayOfATopicThatIsParkedIsSentAgainFromItsLane() {
    kafka.topics.add("bad");
    append("bad");
    turns(4);
    kafka.topics.remove("bad");
    pass(Duration.ofSeconds(12));
    append("bad", "good");
    for (int i = 0; i < 10; i++) {
      pass(Duration.ofSeconds(1));
      kafka.answerAll();
    }
    assertThat(lanes.parked("bad")).containsExactly(1L, 2L);
    assertThat(settled()).isEqualTo(3);
    assertThat(kafka.log).containsExactly(3L);
  }

  @Test
  void anEmptiedLaneGivesItsTopicBack() {
    append("bad", "bad");
    pass(PARK_AFTER.plusSeconds(1));
    kafka.topics.add("bad");
    for (int i = 0; i < 10; i++) {
      pass(Duration.ofSeconds(1));
      lanes.work();
      lanes.save();
    }
    assertThat(kafka.log).containsExactly(1L, 2L);
    assertThat(facts).contains(new Fact.TopicOpened("bad"));
    append("bad");
    turns(6);
    kafka.answerAll();
    turns(1);
    assertThat(kafka.log).containsExactly(1L, 2L, 3L);
    assertThat(lanes.parked("bad")).hasSize(2);
    assertThat(delivery.state()).isInstanceOf(Delivering.class);
  }

  @Test
  void whatAnEarlierRunHasParkedComesBeforeWhatIsNew() {
    append("bad");
    pass(PARK_AFTER.plusSeconds(1));
    disk.save();
    kafka.disconnect();
    kafka.topics.add("bad");
    append("bad");
    begin();
    turns(8);
    assertThat(kafka.sends).isZero();
    assertThat(lanes.parked("bad")).containsExactly(1L, 2L);
    for (int i = 0; i < 10; i++) {
      pass(Duration.ofSeconds(1));
      lanes.work();
      lanes.save();
    }
    assertThat(kafka.log).containsExactly(1L, 2L);
  }

  @Test
  void aStopWaitsForNothingThatWaits() {
    append("bad", "good");
    turns(6);
    kafka.answerAll();
    delivery.drain(time.clocks().nanos() + Duration.ofSeconds(20).toNanos());
    turns(2);
    assertThat(delivery.state()).isInstanceOf(DeliveryState.Stopped.class);
    assertThat(delivery.ledger().inFlight()).isEqualTo(2);
    assertThat(troubles.now()).isEmpty();
  }
}
