package dev.outboxrelay.relay.deliver.route;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.relay.fact.PauseReason;
import dev.outboxrelay.relay.fact.Trouble;
import dev.outboxrelay.relay.fact.Verdict;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class RoutesTest {
  private static final long SECOND = 1_000_000_000L;

  private final Brokers brokers = new Brokers();
  private final Routes routes = new Routes(brokers);
  private long now = 100 * SECOND;

  /** What a test says of topics; a record without a partition of its own goes to any. */
  private static final class Brokers implements TopicSource {
    private final List<String> asked = new ArrayList<>();
    private final List<String> doubted = new ArrayList<>();
    private final List<List<String>> together = new ArrayList<>();
    private int updates;
    private int partitions = 1;
    private int lookups;
    private boolean confirmed = true;

    @Override
    public void ask(String topic, boolean doubtful) {
      asked.add(topic);
      if (doubtful) {
        doubted.add(topic);
      }
    }

    @Override
    public void askTogether(List<String> topics) {
      together.add(topics);
    }

    @Override
    public int partitionOf(OutboxRecord record, int ofTopic) {
      return record.partition() == null ? ANY : record.partition();
    }

    @Override
    public int updates() {
      return updates;
    }

    @Override
    public int partitionsNow(String topic) {
      lookups++;
      return partitions;
    }

    @Override
    public boolean isConfirmed() {
      return confirmed;
    }
  }

  /** A record on its way. */
  private static final class Sent implements Introduction {
    private int acked = -1;
    private boolean awaits = true;

    @Override
    public boolean awaitsKafka() {
      return awaits;
    }

    @Override
    public int ackedPartition() {
      return acked;
    }

    void ack(int partition) {
      acked = partition;
      awaits = false;
    }

    void fail() {
      awaits = false;
    }
  }

  private static OutboxRecord record(String topic, Integer partition) {
    return new OutboxRecord(
        1,
        0,
        1000,
        1,
        new UUID(1, 1),
        topic,
        null,
        new byte[0],
        List.of(),
        partition,
        false,
        false,
        null,
        100);
  }

  private Admission admit(Integer partition) {
    return routes.admit(record("orders", partition), now);
  }

  private boolean isAdmitted(Integer partition) {
    return admit(partition) instanceof Admission.Send;
  }

  private boolean introduces(Integer partition) {
    return ((Admission.Send) admit(partition)).introduces();
  }

  private void answer(int partitions) {
    brokers.partitions = partitions;
    assertThat(routes.ready("orders", partitions, now)).isNull();
  }

  /** It is there, with so many partitions. */
  private void open(int partitions) {
    assertThat(isAdmitted(null)).isFalse();
    answer(partitions);
  }

  private Sent send(Integer partition) {
    Sent sent = new Sent();
    Admission.Send admitted = (Admission.Send) admit(partition);
    routes.sent(record("orders", partition), admitted, sent, now);
    return sent;
  }

  @Test
  void aTopicIsAskedForOnceAndOpenWithTheAnswer() {
    assertThat(isAdmitted(null)).isFalse();
    assertThat(isAdmitted(null)).isFalse();
    assertThat(brokers.asked).containsExactly("orders");
    assertThat(routes.isOpen("orders", now)).isFalse();
    answer(3);
    assertThat(routes.isOpen("orders", now)).isTrue();
    assertThat(routes.partitions("orders")).isEqualTo(3);
    assertThat(admit(null)).isEqualTo(new Admission.Send(TopicSource.ANY, false));
  }

  @Test
  void oneQuestionIsAskedAtATime() {
    assertThat(isAdmitted(null)).isFalse();
    routes.ask("others", now);
    assertThat(brokers.asked).containsExactly("orders");
    assertThat(routes.unanswered(now + SECOND, 2 * SECOND)).isNull();
    assertThat(routes.unanswered(now + 2 * SECOND, 2 * SECOND)).isEqualTo("orders");
    routes.unavailable("orders");
    assertThat(routes.unanswered(now + 2 * SECOND, 2 * SECOND)).isNull();
    routes.ask("others", now);
    assertThat(isAdmitted(null)).isFalse();
    assertThat(brokers.asked).containsExactly("orders", "others");
  }

  @Test
  void whereSeveralTopicsAreMissingTheSenderIsNotAskedForMoreOfThem() {
    for (int missing = 0; missing < Bars.SEVERAL; missing++) {
      String topic = "missing-" + missing;
      routes.ask(topic, now);
      routes.unavailable(topic);
      Verdict pause = new Verdict.PauseTopic(topic, PauseReason.TOPIC_MISSING, "missing");
      routes.bar(topic, new Trouble(pause, 1_000, 1), now, now);
    }
    assertThat(brokers.doubted).isEmpty();
    routes.ask("orders", now);
    assertThat(brokers.doubted).containsExactly("orders");
    answer(1);
    routes.ask("missing-0", now);
    assertThat(brokers.doubted).containsExactly("orders", "missing-0");
    assertThat(routes.ready("missing-0", 1, now)).isNull();
    routes.ask("orders", now);
    assertThat(brokers.doubted).containsExactly("orders", "missing-0");
  }

  private void barMany() {
    for (int missing = 0; missing < Bars.MANY; missing++) {
      routes.bar("missing-" + missing, missing("missing-" + missing), now + 60 * SECOND, now);
    }
  }

  /** The first is asked for at once, and its answer comes when the others wait. */
  private void waitFor(String... topics) {
    for (String topic : topics) {
      routes.ask(topic, now);
    }
    routes.unavailable(topics[0]);
  }

  @Test
  void manyTopicsThatWaitForTheirFirstQuestionAreAskedForTogetherWhereManyAreMissing() {
    barMany();
    waitFor("first", "a", "b", "c", "d", "e", "f", "g", "orders");
    routes.askAgain(now);
    routes.askAgain(now);
    assertThat(brokers.asked).containsExactly("first");
    assertThat(brokers.together)
        .containsExactly(List.of("a", "b", "c", "d", "e", "f", "g", "orders"));
    assertThat(routes.unanswered(now + SECOND, SECOND)).isEqualTo("a");
    Set<String> missing = Set.of("a", "b", "c", "d", "e", "f", "g");
    routes.unavailable(missing, true, now);
    missing.forEach(topic -> routes.bar(topic, missing(topic), now + 60 * SECOND, now));
    assertThat(isAdmitted(null)).isFalse();
    routes.askAgain(now);
    assertThat(brokers.asked).containsExactly("first", "orders");
    answer(1);
    assertThat(isAdmitted(null)).isTrue();
  }

  @Test
  void whereFewAreMissingEachTopicIsAskedForAloneHoweverManyWait() {
    waitFor("first", "a", "b", "c", "d", "e", "f", "g", "h");
    routes.askAgain(now);
    assertThat(brokers.asked).containsExactly("first", "a");
    assertThat(brokers.together).isEmpty();
  }

  @Test
  void anotherSenderKnowsNothing() {
    open(1);
    send(0).ack(0);
    assertThat(introduces(0)).isFalse();
    routes.renew(now);
    open(1);
    assertThat(introduces(0)).isTrue();
  }

  @Test
  void aTopicThatWasIdleIsAskedForAgain() {
    open(3);
    now += 119 * SECOND;
    send(1).ack(1);
    now += 119 * SECOND;
    assertThat(routes.isOpen("orders", now)).isTrue();
    now += SECOND;
    assertThat(routes.isOpen("orders", now)).isFalse();
    assertThat(isAdmitted(null)).isFalse();
    answer(3);
    assertThat(isAdmitted(null)).isTrue();
    assertThat(brokers.asked).hasSize(2);
  }

  @Test
  void aTopicWithMorePartitionsThanWereKnownIsAskedForBeforeAKeyIsSent() {
    open(1);
    brokers.partitions = 8;
    brokers.updates++;
    assertThat(isAdmitted(null)).isFalse();
    answer(8);
    assertThat(isAdmitted(null)).isTrue();
  }

  @Test
  void partitionsAreComparedOnlyAfterTheSenderHasHeardMore() {
    open(1);
    for (int i = 0; i < 3; i++) {
      assertThat(isAdmitted(null)).isTrue();
    }
    assertThat(brokers.lookups).isEqualTo(1);
    brokers.updates++;
    assertThat(isAdmitted(null)).isTrue();
    assertThat(brokers.lookups).isEqualTo(2);
  }

  @Test
  void whatChangesBetweenTheAnswerAndTheNextEventIsSeen() {
    assertThat(isAdmitted(null)).isFalse();
    brokers.partitions = 2;
    assertThat(routes.ready("orders", 1, now)).isNull();
    assertThat(isAdmitted(null)).isFalse();
  }

  @Test
  void fewerPartitionsThanBeforeWantAnotherSender() {
    open(4);
    routes.ask("orders", now);
    assertThat(routes.ready("orders", 1, now)).isInstanceOf(Verdict.RebuildAndRewind.class);
  }

  @Test
  void aPartitionThatTheTopicDoesNotHaveIsAPauseUntilItDoes() {
    open(1);
    Verdict pause =
        new Verdict.PauseTopic(
            "orders",
            PauseReason.PARTITION_MISSING,
            "an event names partition 2 of topic orders, which has only 1");
    assertThat(admit(2)).isEqualTo(new Admission.Refused(pause));
    routes.ask("orders", now);
    assertThat(routes.ready("orders", 1, now)).isEqualTo(pause);
    routes.bar("orders", new Trouble(pause, 1_000, 1), now, now);
    routes.ask("orders", now);
    assertThat(routes.ready("orders", 1, now)).isEqualTo(pause);
    assertThat(routes.bar("orders")).isNotNull();
    routes.ask("orders", now);
    answer(3);
    assertThat(routes.bar("orders")).isNull();
    assertThat(admit(2)).isEqualTo(new Admission.Send(2, true));
  }

  @Test
  void theBrokersOwnTopicsAreRefusedWithoutAskingForThem() {
    assertThat(routes.admit(record("__consumer_offsets", null), now))
        .isInstanceOfSatisfying(
            Admission.Refused.class,
            refused -> assertThat(refused.verdict()).isInstanceOf(Verdict.DeadLetter.class));
    assertThat(brokers.asked).isEmpty();
  }

  @Test
  void whereTheBrokersAreNotKnownToBeTheRightOnesATopicIsAskedForAgain() {
    open(1);
    brokers.confirmed = false;
    assertThat(routes.isOpen("orders", now)).isFalse();
    assertThat(isAdmitted(null)).isFalse();
    brokers.confirmed = true;
    assertThat(isAdmitted(null)).isFalse();
    answer(1);
    assertThat(isAdmitted(null)).isTrue();
  }

  @Test
  void whoseEventWasRefusedIsAskedForAndWhatBrokersHaveHeardStaysKnown() {
    open(1);
    send(0).ack(0);
    assertThat(introduces(0)).isFalse();
    routes.refused("orders");
    assertThat(isAdmitted(0)).isFalse();
    answer(1);
    assertThat(introduces(0)).isFalse();
  }

  @Test
  void theFirstRecordOfAPartitionIsAckedBeforeOthersOfItsTopicAreSent() {
    open(12);
    Sent first = send(3);
    assertThat(isAdmitted(3)).isFalse();
    assertThat(isAdmitted(null)).isFalse();
    first.ack(3);
    assertThat(introduces(3)).isFalse();
    assertThat(introduces(4)).isTrue();
  }

  @Test
  void anIntroductionThatFailedIsNone() {
    open(1);
    send(0).fail();
    assertThat(introduces(0)).isTrue();
  }

  @Test
  void anIntroductionIsWaitedForAlsoWhenTheTopicIsAskedForMeanwhile() {
    open(1);
    Sent first = send(0);
    brokers.partitions = 2;
    brokers.updates++;
    assertThat(isAdmitted(0)).isFalse();
    answer(2);
    assertThat(isAdmitted(0)).isFalse();
    first.ack(0);
    assertThat(introduces(0)).isFalse();
    assertThat(introduces(1)).isTrue();
  }

  @Test
  void withoutAKeyOnlyATopicOfOnePartitionHasAnOrder() {
    open(2);
    assertThat(introduces(null)).isFalse();
    routes.renew(now);
    open(1);
    assertThat(introduces(null)).isTrue();
  }

  @Test
  void aPartitionThatWasSilentIsIntroducedAnewAndTheOthersAreNot() {
    open(3);
    for (int partition = 1; partition <= 2; partition++) {
      send(partition).ack(partition);
    }
    for (int i = 0; i < 6; i++) {
      now += SECOND / 2;
      assertThat(introduces(1)).isFalse();
      send(1);
    }
    assertThat(introduces(2)).isTrue();
  }

  @Test
  void aPartitionWhoseAcksTakeLongIsNotTakenForSilent() {
    open(12);
    Sent first = send(3);
    now += 5 * SECOND;
    first.ack(3);
    assertThat(introduces(3)).isFalse();
    now += SECOND;
    assertThat(introduces(3)).isTrue();
  }

  private static Trouble missing(String topic) {
    return new Trouble(
        new Verdict.PauseTopic(topic, PauseReason.TOPIC_MISSING, "missing"), 1_000, 1);
  }

  @Test
  void aBarredTopicWaitsUntilItIsThereAndIsAskedForInTime() {
    open(1);
    routes.bar("orders", missing("orders"), now + 2 * SECOND, now);
    assertThat(routes.bar("orders")).isEqualTo(missing("orders"));
    assertThat(isAdmitted(null)).isFalse();
    routes.askAgain(now + SECOND);
    assertThat(brokers.asked).hasSize(1);
    routes.askAgain(now + 2 * SECOND);
    routes.askAgain(now + 2 * SECOND);
    assertThat(brokers.asked).hasSize(2);
    answer(1);
    assertThat(routes.bar("orders")).isNull();
    assertThat(routes.firstBar()).isNull();
    assertThat(isAdmitted(null)).isTrue();
  }

  @Test
  void aTopicThatStaysAwayStaysBarred() {
    open(1);
    routes.bar("orders", missing("orders"), now, now);
    routes.askAgain(now);
    routes.unavailable("orders");
    assertThat(routes.bar("orders")).isNotNull();
    routes.askAgain(now + SECOND);
    assertThat(brokers.asked).hasSize(3);
  }

  @Test
  void theTopicThatWasBarredFirstIsNamedAndOthersAreAdmitted() {
    open(1);
    routes.bar("a", missing("a"), now + SECOND, now);
    routes.bar("b", missing("b"), now, now);
    assertThat(routes.firstBar()).isEqualTo(missing("a"));
    assertThat(isAdmitted(null)).isTrue();
    routes.askAgain(now);
    assertThat(brokers.asked).containsExactly("orders", "b");
    assertThat(routes.ready("b", 1, now)).isNull();
    assertThat(routes.firstBar()).isEqualTo(missing("a"));
  }

  @Test
  void aBarOutlivesItsSenderAndTheNextOneIsAskedAtOnce() {
    open(1);
    send(0);
    routes.bar("orders", missing("orders"), now + 60 * SECOND, now);
    routes.renew(now);
    assertThat(routes.bar("orders")).isEqualTo(missing("orders"));
    assertThat(routes.partitions("orders")).isZero();
    routes.askAgain(now);
    assertThat(brokers.asked).hasSize(2);
    answer(1);
    // Of the former sender's record nobody waits for an ack.
    assertThat(introduces(0)).isTrue();
  }

  @Test
  void whatWasIntroducedBeforeABarIsWaitedForAfterIt() {
    open(1);
    Sent first = send(0);
    routes.bar("orders", missing("orders"), now, now);
    routes.askAgain(now);
    answer(1);
    assertThat(isAdmitted(0)).isFalse();
    first.ack(0);
    assertThat(introduces(0)).isFalse();
  }
}
