package dev.outboxrelay.relay.deliver;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.relay.deliver.route.Routes;
import dev.outboxrelay.relay.tail.Bookmark;
import java.time.Duration;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Topics whose brokers take records and never ack them, beside others. */
class NoAckTest {
  /** Less than it takes to tell a lost order. */
  private static final Duration LONG = Duration.ofSeconds(100);

  private static final Duration STEP = Duration.ofMillis(100);

  private final ManualClocks time = new ManualClocks();
  private final FakeQueue queue = new FakeQueue();
  private final FakeKafka kafka = new FakeKafka();
  private final FakeDisk disk = new FakeDisk();
  private Delivery delivery;

  @BeforeEach
  void start() {
    FakeLanes lanes = new FakeLanes(kafka, disk);
    disk.lanes = lanes;
    kafka.topics.add("good");
    kafka.topics.add("silent");
    kafka.topics.add("mute");
    kafka.silent.add("silent");
    kafka.silent.add("mute");
    queue.rewind(Bookmark.START);
    delivery =
        new Delivery(
            queue,
            new Routes(kafka, lanes, Duration.ofSeconds(5).toNanos(), time.clocks().nanos()),
            kafka,
            disk,
            fact -> {},
            new Limits(
                100,
                1 << 20,
                Lease.WHOLE,
                new Backoff(Duration.ofMillis(100), Duration.ofSeconds(1)),
                Duration.ofSeconds(5),
                Duration.ofMinutes(2),
                0),
            new SplittableRandom(1),
            time.clocks(),
            null,
            disk.cluster);
  }

  private void letTimePass() {
    for (long left = LONG.dividedBy(STEP); left > 0; left--) {
      delivery.doWork();
      kafka.answerAll();
      disk.work();
      time.advance(STEP);
    }
  }

  private void assertAllIsSettled() {
    assertThat(delivery.ledger().settled()).isNotNull();
    assertThat(delivery.ledger().settled().sequence()).isEqualTo(queue.lastSequence());
  }

  @Test
  void oneIsParked() {
    queue.append("silent");
    queue.append("good");
    letTimePass();
    assertAllIsSettled();
    assertThat(delivery.standing().label()).isEqualTo("delivering");
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
      delivery.doWork();
    }
    kafka.loseSender("died");
    letTimePass();
    assertAllIsSettled();
  }

  @Test
  void whileNothingIsAckedNothingIsParked() {
    kafka.silent.add("good");
    queue.append("silent");
    queue.append("good");
    letTimePass();
    assertThat(delivery.ledger().settled()).isNull();
    assertThat(delivery.standing().label()).isEqualTo("stalled");
    assertThat(kafka.connects).isEqualTo(1);
  }
}
