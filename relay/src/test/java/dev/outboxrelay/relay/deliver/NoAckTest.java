package dev.outboxrelay.relay.deliver;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Topics whose brokers take records and never ack them, beside others. */
class NoAckTest {
  /** Less than it takes to tell a lost order. */
  private static final Duration LONG = Duration.ofSeconds(100);

  private static final int WINDOW = 100;
  private static final Duration STEP = Duration.ofMillis(100);

  private final DeliveryWithLanes world = new DeliveryWithLanes(WINDOW);
  private final FakeKafka kafka = world.kafka;
  private final FakeQueue queue = world.queue;

  @BeforeEach
  void start() {
    kafka.topics.add("good");
    kafka.topics.add("silent");
    kafka.topics.add("mute");
    kafka.silent.add("silent");
    kafka.silent.add("mute");
    world.begin(fact -> {});
  }

  private void letTimePass() {
    letTimePass(LONG);
  }

  private void letTimePass(Duration time) {
    for (long left = time.dividedBy(STEP); left > 0; left--) {
      world.delivery().doWork();
      kafka.answerAll();
      world.disk.work();
      world.time.advance(STEP);
    }
  }

  private void assertAllIsSettled() {
    assertThat(world.delivery().ledger().settled()).isNotNull();
    assertThat(world.delivery().ledger().settled().sequence()).isEqualTo(queue.lastSequence());
  }

  @Test
  void oneIsParked() {
    queue.append("silent");
    queue.append("good");
    letTimePass();
    assertAllIsSettled();
    assertThat(world.delivery().standing().label()).isEqualTo("delivering");
  }

  @Test
  void severalAreParkedByOneRewind() {
    queue.append("silent");
    queue.append("mute");
    queue.append("good");
    letTimePass();
    assertAllIsSettled();
    assertThat(kafka.connects).isEqualTo(2);
  }

  @Test
  void afterARewindTheFirstRecordThatIsNotAckedHoldsUpNoOtherTopic() {
    queue.append("silent");
    queue.append("good");
    for (int i = 0; i < 4; i++) {
      world.delivery().doWork();
    }
    kafka.loseSender("died");
    letTimePass();
    assertAllIsSettled();
  }

  @Test
  void whoseAcksComeALittleLaterThanThoseOfOthersAfterASilenceOfAllIsNotParked() {
    kafka.silent.addAll(List.of("good", "late"));
    kafka.topics.add("late");
    for (String topic : List.of("silent", "good", "late")) {
      queue.append(topic);
    }
    letTimePass(Duration.ofSeconds(6));
    kafka.silent.remove("good");
    letTimePass(Duration.ofMillis(500));
    kafka.silent.remove("late");
    letTimePass(LONG);
    assertAllIsSettled();
    assertThat(world.lanes.parked("silent")).hasSize(1);
    assertThat(world.lanes.parked("late")).isEmpty();
  }

  @Test
  void whileNothingIsAckedNothingIsParked() {
    kafka.silent.add("good");
    queue.append("silent");
    queue.append("good");
    letTimePass();
    assertThat(world.delivery().ledger().settled()).isNull();
    assertThat(world.delivery().standing().label()).isEqualTo("stalled");
    assertThat(kafka.connects).isEqualTo(1);
  }

  /** Its first record is sent later than others, as its topic is asked for first. */
  private void oneIsSentLastAndFillsTheWindow() {
    queue.append("good");
    letTimePass(STEP.multipliedBy(5));
    queue.append("silent");
    for (int i = 1; i < WINDOW; i++) {
      queue.append("good");
    }
    letTimePass(STEP.multipliedBy(5));
  }

  private void oneFillsTheWindowBeforeOthers() {
    oneIsSentLastAndFillsTheWindow();
    queue.append("good"); // has no room
  }

  @Test
  void oneThatFillsTheWindowIsParkedThoughNothingElseCanBeSent() {
    oneFillsTheWindowBeforeOthers();
    letTimePass();
    assertAllIsSettled();
    assertThat(world.lanes.parked("silent")).hasSize(1);
    assertThat(world.lanes.parked("good")).isEmpty();
  }

  @Test
  void soItIsWhereDamageIsNextThatHasNoRoom() {
    oneIsSentLastAndFillsTheWindow();
    queue.appendDamaged();
    queue.append("good");
    letTimePass();
    assertAllIsSettled();
    assertThat(world.lanes.parked("silent")).hasSize(1);
  }

  @Test
  void whileBrokersAnswerNoQuestionTheOneThatFillsTheWindowIsNotParked() {
    oneFillsTheWindowBeforeOthers();
    kafka.hanging = true;
    letTimePass();
    assertThat(world.lanes.parked("silent")).isEmpty();
    assertThat(world.delivery().standing().label()).isEqualTo("stalled");
  }

  @Test
  void whatIsSentLaterHasItsTimeBeforeTheOneThatFillsTheWindowIsParked() {
    kafka.topics.add("late");
    kafka.silent.add("late");
    queue.append("good");
    letTimePass(STEP.multipliedBy(5));
    queue.append("silent");
    for (int i = 2; i < WINDOW; i++) {
      queue.append("good");
    }
    letTimePass(Duration.ofSeconds(4));
    queue.append("late");
    queue.append("good"); // has no room
    letTimePass(Duration.ofSeconds(2));
    assertThat(world.lanes.parked("silent")).isEmpty();
    kafka.silent.remove("late");
    letTimePass();
    assertAllIsSettled();
    assertThat(world.lanes.parked("late")).isEmpty();
  }

  /** As while a broker that died counts as in sync: others answer questions, and none acks. */
  @Test
  void whoseAcksComeALittleLaterIsNotParkedThoughTheWindowIsFull() {
    kafka.silent.add("good");
    kafka.topics.add("late");
    kafka.silent.add("late");
    queue.append("late");
    for (int i = 1; i <= WINDOW; i++) {
      queue.append("good"); // the last one has no room
    }
    letTimePass(Duration.ofSeconds(20));
    kafka.silent.remove("good");
    letTimePass(Duration.ofMillis(500));
    kafka.silent.remove("late");
    letTimePass();
    assertAllIsSettled();
    assertThat(world.lanes.parked("late")).isEmpty();
    assertThat(kafka.connects).isEqualTo(1);
  }

  /** What was acked before that does not show that the others are well. */
  @Test
  void whileNothingIsAckedAnyMoreTheOneThatFillsTheWindowIsNotParked() {
    queue.append("good");
    letTimePass(STEP.multipliedBy(5));
    queue.append("silent");
    for (int i = 1; i < WINDOW / 2; i++) {
      queue.append("good");
    }
    letTimePass(STEP.multipliedBy(5));
    kafka.silent.add("good");
    for (int i = WINDOW / 2; i <= WINDOW; i++) {
      queue.append("good"); // the last one has no room
    }
    letTimePass();
    assertThat(world.lanes.parked("silent")).isEmpty();
    assertThat(world.delivery().standing().label()).isEqualTo("stalled");
    kafka.silent.remove("good");
    letTimePass();
    assertAllIsSettled();
    assertThat(world.lanes.parked("silent")).hasSize(1);
    assertThat(world.lanes.parked("good")).isEmpty();
  }
}
