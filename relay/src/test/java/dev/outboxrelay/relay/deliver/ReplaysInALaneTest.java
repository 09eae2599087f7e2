package dev.outboxrelay.relay.deliver;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.relay.deliver.route.Routes;
import java.time.Duration;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What was given up before, in a lane with events that are parked: it may never bar them. */
class ReplaysInALaneTest {
  private static final int REFUSALS = 2;

  /** In which a lane has to get further, before others have its turn. */
  private static final Duration PATIENCE = Duration.ofSeconds(9);

  private static final Duration STEP = Duration.ofMillis(100);

  private final ManualClocks time = new ManualClocks();
  private final FakeQueue queue = new FakeQueue();
  private final FakeKafka kafka = new FakeKafka();
  private final FakeDisk disk = new FakeDisk();
  private Delivery lane;

  @BeforeEach
  void begin() {
    kafka.topics.add("t");
    lane = lane(REFUSALS);
  }

  /** As it is opened once more when its topic has refused events: the next refusal bars it. */
  private Delivery lane(int refusedBefore) {
    return new Delivery(
        queue,
        new Routes(kafka),
        kafka,
        disk,
        fact -> {},
        new Limits(
            100,
            100 * FakeQueue.BYTES,
            Lease.WHOLE,
            new Backoff(Duration.ofMillis(100), Duration.ofSeconds(1)),
            Duration.ofSeconds(5),
            Duration.ofMinutes(2),
            REFUSALS,
            refusedBefore),
        new SplittableRandom(1),
        time.clocks(),
        null,
        null);
  }

  private void pass(Duration duration) {
    for (long left = duration.dividedBy(STEP); left > 0; left--) {
      lane.doWork();
      kafka.answerAll();
      disk.work();
      time.advance(STEP);
    }
  }

  private void allIsSettled() {
    assertThat(lane.ledger().settled()).isNotNull();
    assertThat(lane.ledger().settled().sequence()).isEqualTo(queue.lastSequence());
    assertThat(lane.standing().trouble()).isNull();
  }

  @Test
  void thoseThatAreRefusedBecomeDeadLettersHoweverManyTheyAre() {
    for (int i = 0; i < 3 * REFUSALS; i++) {
      kafka.poison.add(queue.appendReplay("t", null));
    }
    long parked = queue.append("t");
    pass(PATIENCE);
    assertThat(disk.deadLetters).hasSize(3 * REFUSALS).doesNotContainKey(parked);
    assertThat(kafka.log).containsOnly(parked);
    allIsSettled();
  }

  @Test
  void theirRefusalsTellNothingOfWhatIsParked() {
    lane = lane(0);
    for (int i = 0; i < 3 * REFUSALS; i++) {
      kafka.poison.add(queue.appendReplay("t", null));
    }
    kafka.poison.add(queue.append("t"));
    pass(PATIENCE);
    assertThat(disk.deadLetters).hasSize(3 * REFUSALS + 1);
    allIsSettled();
  }

  @Test
  void oneOfAPartitionThatIsNotThereBecomesADeadLetter() {
    long replay = queue.appendReplay("t", 7);
    long parked = queue.append("t");
    pass(PATIENCE);
    assertThat(disk.deadLetters).containsOnlyKeys(replay);
    assertThat(kafka.log).containsExactly(parked);
    allIsSettled();
    lane.doWork();
    long later = queue.append("t");
    pass(Duration.ofMinutes(5)); // the topic is asked for anew
    assertThat(kafka.log).containsExactly(parked, later);
    allIsSettled();
  }

  @Test
  void oneThatIsNeverAckedBecomesADeadLetter() {
    long first = queue.appendReplay("t", null);
    long replay = queue.appendReplay("t", null);
    kafka.ignored.add(replay);
    long parked = queue.append("t");
    pass(PATIENCE);
    assertThat(disk.deadLetters).containsOnlyKeys(replay);
    assertThat(kafka.log).contains(first, parked).doesNotContain(replay);
    allIsSettled();
  }

  @Test
  void whileNoBrokerIsConnectedNoneIsGivenUp() {
    queue.appendReplay("t", null);
    pass(STEP);
    kafka.silent.add("t");
    kafka.reachable = false;
    pass(Duration.ofMinutes(1));
    assertThat(disk.deadLetters).isEmpty();
  }

  @Test
  void whereATopicAcksNothingOneIsGivenUpAndTheOthersWait() {
    kafka.silent.add("t");
    for (int i = 0; i < 5; i++) {
      queue.appendReplay("t", null);
    }
    pass(Duration.ofMinutes(1));
    assertThat(disk.deadLetters).hasSize(1);
  }

  @Test
  void whatIsMissingOrParkedIsWaitedForAsEver() {
    kafka.topics.remove("t");
    queue.appendReplay("t", null);
    pass(PATIENCE);
    assertThat(disk.deadLetters).isEmpty();
    kafka.topics.add("t");
    pass(PATIENCE);
    allIsSettled();
  }
}
