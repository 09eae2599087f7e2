package dev.outboxrelay.relay.deliver;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.relay.deliver.route.Routes;
import dev.outboxrelay.relay.fact.Counts;
import dev.outboxrelay.relay.fact.DeadLetterReason;
import dev.outboxrelay.relay.fact.FactListener;
import dev.outboxrelay.relay.fact.Part;
import dev.outboxrelay.relay.fact.PauseReason;
import dev.outboxrelay.relay.fact.Trouble;
import dev.outboxrelay.relay.fact.Troubles;
import dev.outboxrelay.relay.fact.Verdict;
import dev.outboxrelay.relay.tail.Bookmark;
import java.time.Duration;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DeliveryTest {
  private static final Verdict LOST_ORDER = new Verdict.RebuildAndRewind("out of order");

  private final ManualClocks time = new ManualClocks();
  private final FakeQueue queue = new FakeQueue();
  private final FakeKafka kafka = new FakeKafka();
  private final FakeDisk disk = new FakeDisk();
  private Routes routes;
  private Delivery delivery;
  private Counts counts;
  private Troubles troubles;
  private int refusals;
  private int refusedBefore;

  @BeforeEach
  void start() {
    kafka.topics.add("a");
    queue.rewind(Bookmark.START);
    begin();
  }

  private void begin() {
    counts = new Counts(time.clocks().wall());
    troubles = new Troubles(time.clocks().wall());
    Limits limits =
        new Limits(
            4,
            10 * FakeQueue.BYTES,
            Lease.WHOLE,
            new Backoff(Duration.ofMillis(100), Duration.ofSeconds(1)),
            Duration.ofSeconds(5),
            Duration.ofMinutes(2),
            refusals,
            refusedBefore);
    routes = new Routes(kafka);
    delivery =
        new Delivery(
            queue,
            routes,
            kafka,
            disk,
            FactListener.all(counts, troubles),
            limits,
            new SplittableRandom(1),
            time.clocks(),
            null,
            disk.cluster);
  }

  private void append(int count) {
    for (int i = 0; i < count; i++) {
      queue.append("a");
    }
  }

  private void turns(int count) {
    for (int i = 0; i < count; i++) {
      delivery.doWork();
    }
  }

  private void waitOutBackoff() {
    time.advance(Duration.ofSeconds(2));
    turns(4);
  }

  @Test
  void noMoreIsInFlightThanTheWindowHolds() {
    append(10);
    turns(5);
    assertThat(kafka.inFlight()).isEqualTo(4);
    kafka.answerOldest();
    turns(2);
    assertThat(kafka.inFlight()).isEqualTo(4);
    assertThat(kafka.sends).isEqualTo(5);
  }

  @Test
  void whatAnEarlierRunHasMadeADeadLetterOfIsNotSentAgain() {
    disk.diedBefore.add(2L);
    append(3);
    turns(5);
    assertThat(kafka.sends).isEqualTo(2);
    kafka.answerOldest();
    kafka.answerOldest();
    turns(2);
    assertThat(delivery.ledger().settled().sequence()).isEqualTo(1);
    disk.work();
    turns(2);
    assertThat(delivery.ledger().settled().sequence()).isEqualTo(3);
    assertThat(disk.undelivered).containsExactly(2L);
  }

  @Test
  void anAttemptToConnectThatIsNotAnsweredIsATroubleUntilItIs() {
    kafka.hanging = true;
    append(1);
    turns(3);
    assertThat(troubles.now()).isEmpty();
    time.advance(Duration.ofSeconds(5));
    turns(1);
    assertThat(troubles.now()).hasSize(1);
    kafka.hanging = false;
    turns(2);
    assertThat(troubles.now()).isEmpty();
  }

  @Test
  void aQuestionForATopicThatIsNotAnsweredIsATroubleUntilItIs() {
    turns(1);
    kafka.hanging = true;
    append(1);
    turns(3);
    time.advance(Duration.ofSeconds(5));
    turns(1);
    assertThat(troubles.now()).hasSize(1);
    kafka.hanging = false;
    turns(2);
    time.advance(Duration.ofSeconds(1));
    turns(2);
    assertThat(troubles.now()).isEmpty();
  }

  @Test
  void afterARewindOneRecordIsTriedAloneUntilKafkaAnswers() {
    append(10);
    turns(5);
    kafka.failOldest(LOST_ORDER, false);
    turns(2);
    assertThat(delivery.standing().label()).isEqualTo("backing-off");
    assertThat(counts.retried()).isEqualTo(4);
    assertThat(kafka.inFlight()).isZero();
    waitOutBackoff();
    assertThat(delivery.standing().label()).isEqualTo("probing");
    assertThat(kafka.inFlight()).isEqualTo(1);
    kafka.answerOldest();
    turns(2);
    assertThat(delivery.standing().label()).isEqualTo("delivering");
    assertThat(kafka.inFlight()).isEqualTo(4);
    assertThat(kafka.log).containsExactly(1L);
  }

  @Test
  void aRecordRefusedInABatchIsDeadOnlyIfItIsRefusedAlone() {
    append(3);
    turns(3);
    // The broker blames the innocent first one.
    kafka.failOldest(
        new Verdict.DeadLetter(DeadLetterReason.INVALID_RECORD, "blamed", false), false);
    turns(2);
    waitOutBackoff();
    kafka.answerAll();
    turns(4);
    kafka.answerAll();
    turns(2);
    assertThat(kafka.log).containsExactly(1L, 2L, 3L);
    assertThat(disk.deadLetters).isEmpty();
  }

  @Test
  void aPoisonedRecordCostsOneRewindHoweverManyAreBeforeIt() {
    kafka.poison.add(4L);
    append(6);
    turns(3);
    kafka.failOldest(LOST_ORDER, false);
    kafka.answerAll();
    for (int i = 0; i < 10; i++) {
      waitOutBackoff();
      kafka.answerAll();
      disk.work();
    }
    assertThat(disk.deadLetters).containsOnlyKeys(4L);
    assertThat(delivery.ledger().settled().sequence()).isEqualTo(6);
    assertThat(kafka.connects).isEqualTo(2);
  }

  @Test
  void anAckThatComesAfterTheRewindIsNotCounted() {
    append(2);
    turns(3);
    Completion[] late = kafka.completions();
    kafka.failOldest(LOST_ORDER, false);
    turns(1);
    late[1].acked(0);
    turns(1);
    assertThat(delivery.ledger().settled()).isNull();
    assertThat(delivery.ledger().inFlight()).isZero();
  }

  @Test
  void eventsBehindADeadLetterWaitForItToBeDurable() {
    kafka.poison.add(1L);
    append(2);
    turns(3);
    kafka.failOldest(new Verdict.DeadLetter(DeadLetterReason.TOO_LARGE, "too large", true), false);
    kafka.answerAll();
    turns(3);
    assertThat(delivery.ledger().settled()).isNull();
    disk.work();
    turns(1);
    assertThat(delivery.ledger().settled().sequence()).isEqualTo(2);
    assertThat(disk.deadLetters).containsOnlyKeys(1L);
    assertThat(kafka.connects).isEqualTo(1);
  }

  @Test
  void silenceOfKafkaIsAStallAndNothingIsSentTwiceForIt() {
    append(2);
    turns(3);
    time.advance(Duration.ofSeconds(6));
    turns(2);
    assertThat(delivery.standing().label()).isEqualTo("stalled");
    kafka.answerAll();
    turns(1);
    time.advance(Duration.ofSeconds(1));
    turns(1);
    assertThat(delivery.standing().label()).isEqualTo("delivering");
    assertThat(kafka.log).containsExactly(1L, 2L);
    assertThat(kafka.connects).isEqualTo(1);
  }

  @Test
  void anOutageIsOverWithTheAcksAlthoughAQuestionForATopicGotNoAnswer() {
    append(2);
    turns(3);
    kafka.reachable = false;
    time.advance(Duration.ofSeconds(6));
    turns(3);
    assertThat(delivery.standing().label()).isEqualTo("stalled");
    kafka.reachable = true;
    kafka.answerAll();
    turns(1);
    time.advance(Duration.ofSeconds(1));
    turns(1);
    assertThat(delivery.standing().label()).isEqualTo("delivering");
  }

  @Test
  void anOutageIsNotOverWhileTheNextTopicIsNotKnown() {
    kafka.topics.add("b");
    kafka.reachable = false;
    queue.append("b");
    turns(3);
    assertThat(delivery.standing().label()).isEqualTo("stalled");
    time.advance(Duration.ofSeconds(1));
    turns(2);
    assertThat(delivery.standing().label()).isEqualTo("stalled");
    kafka.reachable = true;
    for (int i = 0; i < 3; i++) {
      waitOutBackoff();
    }
    assertThat(delivery.standing().label()).isEqualTo("delivering");
  }

  @Test
  void aRecordThatAllPartitionsHaveOvertakenIsSentAgainByAnotherSender() {
    append(4);
    turns(3);
    kafka.answerAllButTheOldest(0, 1);
    time.advance(Duration.ofSeconds(6));
    turns(2);
    assertThat(delivery.standing().label()).isEqualTo("backing-off");
    waitOutBackoff();
    kafka.answerAll();
    turns(2);
    kafka.answerAll();
    turns(2);
    assertThat(kafka.log).containsExactly(2L, 3L, 4L, 1L, 2L, 3L, 4L);
    assertThat(delivery.ledger().settled().sequence()).isEqualTo(4);
    assertThat(kafka.connects).isEqualTo(2);
  }

  @Test
  void acksOfOtherPartitionsProveNothingUntilPatienceEndsAndThenTheRecordIsTriedAloneOnce() {
    append(4);
    turns(3);
    kafka.answerAllButTheOldest(1);
    for (int seconds = 6; seconds < 120; seconds++) {
      time.advance(Duration.ofSeconds(1));
      turns(1);
    }
    assertThat(delivery.standing().label()).isEqualTo("stalled");
    time.advance(Duration.ofSeconds(15));
    turns(1);
    assertThat(delivery.standing().label()).isEqualTo("backing-off");
    waitOutBackoff();
    for (int minutes = 0; minutes < 10; minutes++) {
      time.advance(Duration.ofMinutes(1));
      turns(2);
    }
    assertThat(delivery.standing().label()).isEqualTo("stalled");
    assertThat(kafka.inFlight()).isEqualTo(1);
    assertThat(kafka.connects).isEqualTo(2);
  }

  @Test
  void theFirstRecordOfATopicOnANewSenderIsAckedBeforeTheNextOneOfThatTopicIsSent() {
    kafka.partitions = 1;
    kafka.topics.add("b");
    append(1);
    queue.append("b");
    append(2);
    turns(5);
    assertThat(kafka.inFlight()).isEqualTo(2);
    kafka.answerOldest();
    turns(2);
    assertThat(kafka.inFlight()).isEqualTo(3);
  }

  @Test
  void aRecordThatIsIntroducedAmongOthersOfItsTopicIsNotTakenForAloneInItsBatch() {
    kafka.partitions = 1;
    append(1);
    turns(3);
    kafka.answerOldest();
    turns(2);
    append(1);
    turns(2);
    time.advance(Duration.ofSeconds(1));
    append(1);
    turns(2);
    assertThat(kafka.inFlight()).isEqualTo(2);
    kafka.answerOldest();
    turns(1);
    kafka.failOldest(
        new Verdict.DeadLetter(DeadLetterReason.INVALID_RECORD, "blamed", false), false);
    turns(2);
    disk.work();
    assertThat(disk.deadLetters).isEmpty();
    waitOutBackoff();
    kafka.answerAll();
    turns(2);
    assertThat(kafka.log).containsExactly(1L, 2L, 3L);
  }

  @Test
  void aFirstRecordThatKafkaNeverTakesLeavesTheNextOneToBeTheFirst() {
    kafka.partitions = 1;
    kafka.poison.add(1L);
    append(3);
    turns(3);
    kafka.answerOldest();
    turns(3);
    assertThat(kafka.inFlight()).isEqualTo(1);
    disk.work();
    kafka.answerOldest();
    turns(3);
    kafka.answerAll();
    turns(2);
    assertThat(disk.deadLetters).containsOnlyKeys(1L);
    assertThat(kafka.log).containsExactly(2L, 3L);
    assertThat(kafka.connects).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void afterARewindOneRecordIsTriedAloneAlsoIfItsTopicCannotBeAskedForAtFirst(boolean missing) {
    append(10);
    turns(5);
    kafka.failOldest(LOST_ORDER, true);
    kafka.reachable = missing;
    kafka.topics.remove("a");
    for (int i = 0; i < 5; i++) {
      waitOutBackoff();
    }
    kafka.reachable = true;
    kafka.topics.add("a");
    for (int i = 0; i < 5; i++) {
      waitOutBackoff();
    }
    assertThat(kafka.inFlight()).isEqualTo(1);
    kafka.answerOldest();
    turns(2);
    assertThat(kafka.inFlight()).isEqualTo(4);
    time.advance(Duration.ofSeconds(1));
    turns(1);
    assertThat(delivery.standing().label()).isEqualTo("delivering");
  }

  @Test
  void aRecordThatEndsItsConnectionsIsNamedWithItsSizeAndIsNotSentAnew() {
    append(1);
    turns(3);
    stall();
    kafka.connectionsMade += 3;
    stall();
    assertThat(delivery.standing().trouble().cause().error()).contains("a fake");
    kafka.connectionsMade++;
    stall();
    assertThat(kafka.connects).isEqualTo(1);
    assertThat(delivery.standing().label()).isEqualTo("stalled");
    assertThat(delivery.standing().trouble().cause().error())
        .contains("4 connections were made", "100 bytes", "socket.request.max.bytes");
  }

  @Test
  void whoIsMadeToWaitByAQuotaHasNotLostTheOrderAndSaysWhatItIs() {
    append(3);
    turns(3);
    kafka.throttledMillis = 43_000;
    for (int i = 0; i < 60; i++) {
      stall();
    }
    assertThat(kafka.connects).isEqualTo(1);
    assertThat(delivery.standing().trouble().cause().error()).contains("up to 44 s: a quota");

    kafka.throttledMillis = 0;
    for (int i = 0; i < 30; i++) {
      stall();
    }
    assertThat(kafka.sends).as("without a quota it has").isGreaterThan(3);
  }

  @Test
  void howOftenAnAckWasAskedForIsNoReasonToConnectLater() {
    append(1);
    turns(3);
    for (int i = 0; i < 12; i++) {
      stall();
    }
    assertThat(delivery.standing().trouble().attempts()).isGreaterThan(10);
    kafka.failOldest(new Verdict.RebuildAndRewind("can't be called back"), false);
    turns(2);
    time.advance(Duration.ofMillis(100));
    turns(4);
    assertThat(kafka.connects).isEqualTo(2);
    assertThat(kafka.sends).isEqualTo(2);
  }

  @Test
  void aTopicThatIsBarredByWhatWasSentKeepsOthersBackNoLongerThanOnce() {
    append(1);
    turns(3);
    for (int i = 0; i < 12; i++) {
      stall();
    }
    Verdict pause = new Verdict.PauseTopic("a", PauseReason.NO_ACK, "no ack");
    kafka.failOldest(pause, false);
    turns(2);
    time.advance(Duration.ofMillis(100));
    turns(4);
    assertThat(kafka.connects).isEqualTo(2);
  }

  private void stall() {
    time.advance(Duration.ofSeconds(6));
    turns(1);
  }

  @Test
  void aFirstSenderThatCouldNotBeMadeAtOnceLeavesNoTroubleBehindAlsoIfNothingWaits() {
    kafka.unmade = new Verdict.PauseAll(PauseReason.CONFIGURATION, "no such file");
    begin();
    turns(1);
    assertThat(delivery.standing().label()).isEqualTo("paused-all");
    kafka.unmade = null;
    waitOutBackoff();
    assertThat(delivery.standing().label()).isEqualTo("delivering");
    assertThat(delivery.standing().trouble()).isNull();
  }

  @Test
  void patienceDoesNotEndWhileNoBrokerIsConnected() {
    append(4);
    turns(3);
    kafka.reachable = false;
    for (int minutes = 0; minutes < 10; minutes++) {
      time.advance(Duration.ofMinutes(1));
      turns(2);
    }
    kafka.reachable = true;
    time.advance(Duration.ofMinutes(1));
    turns(2);
    assertThat(delivery.standing().label()).isEqualTo("stalled");
    assertThat(kafka.connects).isEqualTo(1);
  }

  @Test
  void aFencedProducerEndsDelivery() {
    append(2);
    turns(3);
    kafka.failOldest(new Verdict.Fenced("another one"), false);
    turns(2);
    assertThat(delivery.state()).isInstanceOf(DeliveryState.Fenced.class);
    time.advance(Duration.ofMinutes(10));
    turns(10);
    assertThat(kafka.connects).isEqualTo(1);
  }

  @Test
  void aStopWaitsForWhatIsInFlightButNotBeyondItsDeadline() {
    append(3);
    turns(3);
    delivery.drain(time.clocks().nanos() + Duration.ofSeconds(3).toNanos());
    kafka.answerOldest();
    turns(3);
    assertThat(delivery.standing().label()).isEqualTo("draining");
    time.advance(Duration.ofSeconds(4));
    turns(1);
    assertThat(delivery.standing().label()).isEqualTo("stopped");
    assertThat(delivery.ledger().settled().sequence()).isEqualTo(1);
    assertThat(delivery.ledger().inFlight()).isEqualTo(2);
  }

  @Test
  void aMissingTopicIsAskedForAgainUntilItIsThereWithTheSameSender() {
    queue.append("missing");
    turns(4);
    assertThat(delivery.standing().label()).isEqualTo("paused-topic");
    for (int i = 0; i < 5; i++) {
      waitOutBackoff();
      assertThat(delivery.standing().label()).isEqualTo("paused-topic");
    }
    kafka.topics.add("missing");
    waitOutBackoff();
    assertThat(delivery.standing().label()).isEqualTo("delivering");
    assertThat(kafka.inFlight()).isEqualTo(1);
    assertThat(kafka.connects).isEqualTo(1);
  }

  @Test
  void aRecordWhoseOrderIsLostIsSentAgainWhileTheNextTopicIsMissing() {
    append(3);
    queue.append("missing");
    turns(4);
    assertThat(delivery.standing().label()).isEqualTo("paused-topic");
    kafka.answerAllButTheOldest(0, 1);
    time.advance(Duration.ofSeconds(6));
    turns(2);
    assertThat(delivery.state()).isInstanceOf(DeliveryState.BackingOff.class);
    for (int i = 0; i < 3; i++) {
      waitOutBackoff();
      kafka.answerAll();
    }
    turns(1);
    assertThat(delivery.ledger().settled().sequence()).isEqualTo(3);
    assertThat(delivery.standing().label()).isEqualTo("paused-topic");
    assertThat(kafka.connects).isEqualTo(2);
  }

  @Test
  void aMissingTopicIsOneTroubleAlsoWhenAnotherOneIsAskedForMeanwhile() {
    append(1);
    queue.append("missing");
    turns(4);
    Trouble first = troubles.now().get(0);
    for (int i = 0; i < 10; i++) {
      waitOutBackoff();
      assertThat(delivery.standing().label()).isEqualTo("paused-topic");
    }
    assertThat(troubles.now().get(0).sinceMillis()).isEqualTo(first.sinceMillis());
    assertThat(troubles.now().get(0).attempts()).isGreaterThan(first.attempts());

    kafka.answerAll();
    delivery.drain(time.clocks().nanos() + Duration.ofSeconds(3).toNanos());
    turns(2);
    assertThat(delivery.standing().label()).isEqualTo("stopped");
    assertThat(troubles.now()).isEmpty();
  }

  @Test
  void aTopicOfWhichNoAckComesIsAskedForWhileTheNextOneIsMissing() {
    append(1);
    queue.append("missing");
    turns(4);
    kafka.topics.remove("a");
    time.advance(Duration.ofSeconds(6));
    for (int i = 0; i < 4; i++) {
      waitOutBackoff();
    }
    assertThat(routes.bar("a").cause())
        .isEqualTo(new Verdict.PauseTopic("a", PauseReason.TOPIC_MISSING, "missing"));
    kafka.topics.add("a");
    kafka.answerAll();
    for (int i = 0; i < 4; i++) {
      waitOutBackoff();
    }
    assertThat(routes.bar("a")).isNull();
    assertThat(delivery.ledger().settled().sequence()).isEqualTo(1);
    assertThat(troubles.now().get(0).cause())
        .isEqualTo(new Verdict.PauseTopic("missing", PauseReason.TOPIC_MISSING, "missing"));
    assertThat(kafka.connects).isEqualTo(1);
  }

  @Test
  void otherSettingsReplaceTheSenderOnceNothingIsInFlightAndNothingIsSentAgain() {
    append(6);
    turns(3);
    kafka.settings++;
    turns(3);
    assertThat(delivery.standing().label()).isEqualTo("renewing");
    kafka.answerOldest();
    turns(3);
    assertThat(kafka.sends).isEqualTo(4);
    assertThat(kafka.connects).isEqualTo(1);
    kafka.answerAll();
    turns(5);
    assertThat(delivery.standing().label()).isEqualTo("delivering");
    kafka.answerAll();
    turns(2);
    assertThat(kafka.log).containsExactly(1L, 2L, 3L, 4L, 5L, 6L);
    assertThat(kafka.connects).isEqualTo(2);
    assertThat(counts.retried()).isZero();
    assertThat(delivery.ledger().settled().sequence()).isEqualTo(6);
  }

  @Test
  void anIdleSenderIsReplacedAtOnceAndAQuestionToItIsForgotten() {
    kafka.reachable = false;
    append(1);
    turns(2);
    kafka.settings++;
    kafka.reachable = true;
    turns(6);
    assertThat(kafka.connects).isEqualTo(2);
    assertThat(kafka.inFlight()).isEqualTo(1);
  }

  @Test
  void aSenderWhoseAcksNeverComeIsReplacedAfterAWhileAndTheEventsAreSentAgain() {
    append(3);
    turns(3);
    kafka.reachable = false;
    kafka.settings++;
    turns(1);
    time.advance(Duration.ofSeconds(9));
    turns(3);
    assertThat(delivery.standing().label()).isEqualTo("renewing");
    time.advance(Duration.ofSeconds(2));
    kafka.reachable = true;
    turns(4);
    assertThat(delivery.standing().label()).isEqualTo("probing");
    kafka.answerAll();
    turns(3);
    kafka.answerAll();
    turns(2);
    assertThat(kafka.log).containsExactly(1L, 2L, 3L);
    assertThat(counts.retried()).isEqualTo(3);
  }

  @Test
  void otherSettingsEndAWaitAtOnce() {
    append(1);
    turns(3);
    kafka.failOldest(new Verdict.PauseAll(PauseReason.AUTHENTICATION, "password"), false);
    turns(1);
    assertThat(delivery.standing().label()).isEqualTo("paused-all");
    kafka.settings++;
    turns(4);
    kafka.answerAll();
    turns(2);
    assertThat(delivery.standing().label()).isEqualTo("delivering");
    assertThat(kafka.log).containsExactly(1L);
  }

  @Test
  void settingsThatChangeAgainWhileASenderIsMadeAreNotForgotten() {
    append(1);
    kafka.settings++;
    delivery.doWork();
    kafka.settings++;
    turns(4);
    assertThat(kafka.isOutdated()).isFalse();
    assertThat(kafka.inFlight()).isEqualTo(1);
  }

  @Test
  void aFailureWhileTheSenderIsToBeReplacedLeadsToTheNewOne() {
    append(2);
    turns(3);
    kafka.settings++;
    turns(1);
    kafka.failOldest(LOST_ORDER, false);
    turns(4);
    assertThat(kafka.isOutdated()).isFalse();
    assertThat(kafka.inFlight()).isEqualTo(1);
  }

  @Test
  void aStopEndsARenewal() {
    append(1);
    turns(3);
    kafka.settings++;
    turns(1);
    delivery.drain(time.clocks().nanos() + Duration.ofSeconds(3).toNanos());
    kafka.answerAll();
    turns(2);
    assertThat(delivery.standing().label()).isEqualTo("stopped");
    assertThat(kafka.connects).isEqualTo(1);
  }

  @Test
  void whatWasAckedBeforeAFailureIsNotSentAgain() {
    append(2);
    turns(3);
    kafka.answerOldest();
    kafka.failOldest(LOST_ORDER, false);
    turns(1);
    assertThat(delivery.ledger().settled().sequence()).isEqualTo(1);
    assertThat(counts.retried()).isEqualTo(1);
  }

  @Test
  void eachEventOfABatchInPartIsToldToBeUndelivered() {
    append(2);
    queue.appendPartOfABatch(3);
    append(1);
    turns(3);
    kafka.answerAll();
    disk.work();
    turns(2);
    assertThat(disk.undelivered).containsExactlyInAnyOrder(3L, 4L, 5L);
    assertThat(counts.missing()).isZero();
    assertThat(delivery.ledger().settled().sequence()).isEqualTo(6);
    assertThat(kafka.log).containsExactly(1L, 2L, 6L);
  }

  @Test
  void beforeWhatAnotherVersionWroteItStopsOnceAllBeforeIsSettled() {
    append(2);
    queue.appendOtherFormat();
    turns(5);
    assertThat(delivery.standing().label()).isEqualTo("delivering");
    kafka.failOldest(LOST_ORDER, false);
    turns(2);
    waitOutBackoff();
    kafka.answerAll();
    turns(4);
    kafka.answerAll();
    turns(4);
    assertThat(delivery.standing().label()).isEqualTo("stopped");
    assertThat(delivery.otherFormat().error()).contains("upgrade");
    assertThat(delivery.ledger().settled().sequence()).isEqualTo(2);
    assertThat(disk.quarantined).isEmpty();
  }

  @Test
  void anotherClusterGetsWhatIsNotSettledFromANewSender() {
    append(3);
    turns(3);
    kafka.answerOldest();
    turns(2);
    kafka.replaceCluster("B");
    turns(2);
    assertThat(delivery.standing().label()).isEqualTo("backing-off");
    waitOutBackoff();
    kafka.answerAll();
    turns(3);
    kafka.answerAll();
    turns(2);
    assertThat(kafka.former).containsExactly(1L);
    assertThat(kafka.log).containsExactly(2L, 3L);
    assertThat(kafka.connects).isEqualTo(2);
    assertThat(counts.clusterChanges()).isEqualTo(1);
    assertThat(counts.cluster()).contains("B");
    assertThat(disk.cluster).isEqualTo("B");
  }

  @Test
  void theClusterOfAnEarlierRunIsToldAgainAndIsNoChange() {
    disk.cluster = "A";
    begin();
    turns(3);
    assertThat(counts.cluster()).contains("A");
    assertThat(counts.clusterChanges()).isZero();
  }

  @Test
  void aClusterThatMayNotBeWrittenPausesEverythingAndIsNotRemembered() {
    append(3);
    turns(3);
    kafka.refusedCluster =
        new Verdict.PauseAll(PauseReason.WRONG_CLUSTER, "of cluster B, A is wanted");
    kafka.replaceCluster("B");
    turns(2);
    assertThat(delivery.standing().label()).isEqualTo("paused-all");
    assertThat(delivery.standing().trouble().cause().reasonLabel()).isEqualTo("wrong-cluster");
    assertThat(disk.cluster).isEqualTo("A");
    assertThat(kafka.inFlight()).isZero();
  }

  @Test
  void aSenderThatEndedByItselfIsReplacedAndTold() {
    append(3);
    turns(3);
    kafka.loseSender("OutOfMemoryError");
    turns(2);
    assertThat(delivery.standing().label()).isEqualTo("backing-off");
    assertThat(counts.failures(Part.THREAD)).isEqualTo(1);
    waitOutBackoff();
    kafka.answerAll();
    turns(3);
    kafka.answerAll();
    turns(2);
    assertThat(kafka.log).containsExactly(1L, 2L, 3L);
  }

  @Test
  void addressesOfStrangersAreTroubleThatHoldsNothingUp() {
    kafka.leftOut = "kafka-2:9092 speaks HTTP, not Kafka";
    begin();
    append(3);
    untilNothingMoves();
    assertThat(kafka.log).containsExactly(1L, 2L, 3L);
    assertThat(delivery.standing().label()).isEqualTo("delivering");
    assertThat(troubles.now())
        .extracting(trouble -> trouble.cause().label() + ": " + trouble.cause().error())
        .containsExactly("peer: kafka-2:9092 speaks HTTP, not Kafka");
    kafka.leftOut = null;
    kafka.settings++;
    untilNothingMoves();
    assertThat(troubles.now()).isEmpty();
  }

  private void untilNothingMoves() {
    for (int i = 0; i < 30; i++) {
      waitOutBackoff();
      kafka.answerAll();
      disk.work();
    }
  }

  @Test
  void aTopicThatHasRefusedBeforeIsBarredWithItsNextRefusal() {
    refusals = 3;
    refusedBefore = 3;
    begin();
    kafka.refusing.add("a");
    append(8);
    untilNothingMoves();
    assertThat(disk.deadLetters).isEmpty();
    assertThat(delivery.standing().trouble().cause().reasonLabel()).isEqualTo("refused");
    kafka.refusing.clear();
    untilNothingMoves();
    kafka.refusing.add("a");
    append(8);
    untilNothingMoves();
    assertThat(disk.deadLetters).hasSize(3);
  }

  @Test
  void manyRefusalsInARowBarTheirTopicInsteadOfEmptyingTheQueueIntoTheDeadLetters() {
    refusals = 3;
    begin();
    kafka.refusing.add("a");
    append(8);
    untilNothingMoves();
    assertThat(disk.deadLetters).containsOnlyKeys(1L, 2L, 3L);
    assertThat(delivery.standing().trouble().cause().reasonLabel()).isEqualTo("refused");
    kafka.refusing.clear();
    untilNothingMoves();
    assertThat(kafka.log).containsExactly(4L, 5L, 6L, 7L, 8L);
    assertThat(delivery.standing().label()).isEqualTo("delivering");
    assertThat(disk.deadLetters).hasSize(3);
  }

  @Test
  void whatOurOwnSideRefusesPausesAndMakesNoDeadLetterHoweverOften() {
    refusals = 3;
    begin();
    kafka.unsent =
        new Verdict.PauseAll(PauseReason.CONFIGURATION, "RecordTooLargeException: 5 bytes");
    append(8);
    untilNothingMoves();
    assertThat(kafka.sends).isGreaterThan(8);
    assertThat(disk.deadLetters).isEmpty();
    assertThat(delivery.standing().label()).isEqualTo("paused-all");
    assertThat(delivery.standing().trouble().cause().reasonLabel()).isEqualTo("configuration");
    kafka.unsent = null;
    untilNothingMoves();
    assertThat(kafka.log).containsExactly(1L, 2L, 3L, 4L, 5L, 6L, 7L, 8L);
    assertThat(disk.deadLetters).isEmpty();
  }

  /** Kafka's client blocks in a send whose topic it has forgotten; who asks blocks elsewhere. */
  @Test
  void theTopicOfARecordThatWasNotTakenIsAskedForBeforeTheNextAttempt() {
    kafka.unsent = new Verdict.RetryLater("no metadata");
    append(1);
    turns(3);
    for (int i = 0; i < 3; i++) {
      waitOutBackoff();
    }
    assertThat(kafka.sends).isGreaterThan(2);
    assertThat(kafka.questions).isGreaterThanOrEqualTo(kafka.sends);
  }

  @Test
  void refusalsWithAcksBetweenThemAreNoRow() {
    refusals = 3;
    begin();
    for (long sequence = 1; sequence <= 15; sequence += 2) {
      kafka.poison.add(sequence);
    }
    append(16);
    untilNothingMoves();
    assertThat(disk.deadLetters).hasSize(8);
    assertThat(Set.copyOf(kafka.log)).hasSize(8);
  }

  @Test
  void whoSaysSoGetsEveryRefusedEventIntoTheDeadLetters() {
    kafka.refusing.add("a");
    append(8);
    untilNothingMoves();
    assertThat(disk.deadLetters).hasSize(8);
  }
}
