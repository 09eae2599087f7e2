package dev.outboxrelay.relay.deliver.route;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.relay.fact.DeadLetterReason;
import dev.outboxrelay.relay.fact.PauseReason;
import dev.outboxrelay.relay.fact.Trouble;
import dev.outboxrelay.relay.fact.Verdict;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** Topics that stay barred, and their lanes. */
class LanedRoutesTest {
  private static final long SECOND = 1_000_000_000L;
  private static final long PARK_AFTER = 5 * SECOND;
  private static final Admission WAIT = new Admission.Wait();

  private final Source source = new Source();
  private final ScriptedLanes lanes = new ScriptedLanes();
  private long now = 100 * SECOND;
  private long sequence;
  private Routes routes = new Routes(source, lanes, PARK_AFTER, now);

  /** Answers nothing by itself. */
  private static final class Source implements TopicSource {
    private final List<String> asked = new ArrayList<>();

    @Override
    public void ask(String topic, boolean doubtful) {
      asked.add(topic);
    }

    @Override
    public void askTogether(List<String> topics) {
      asked.addAll(topics);
    }

    @Override
    public int partitionOf(OutboxRecord record, int partitions) {
      return ANY;
    }

    @Override
    public int updates() {
      return 0;
    }

    @Override
    public int partitionsNow(String topic) {
      return 1;
    }

    @Override
    public boolean isConfirmed() {
      return true;
    }
  }

  /** Lanes that stand as the test says. */
  private static final class ScriptedLanes implements Lanes {
    private final Set<String> left = new HashSet<>();
    private final Map<String, Long> last = new HashMap<>();
    private final List<String> draining = new ArrayList<>();
    private final Queue<String> replayed = new ArrayDeque<>();
    private final Queue<String> retried = new ArrayDeque<>();
    private final Queue<String> discarded = new ArrayDeque<>();
    private boolean takeMore = true;
    private boolean empty;
    private boolean replays;
    private boolean settled;
    private Progress progress = new Progress.Waiting();
    private int looks;

    @Override
    public boolean takeMore() {
      return takeMore;
    }

    @Override
    public Set<String> left() {
      return left;
    }

    @Override
    public long lastParked(String topic) {
      return last.getOrDefault(topic, 0L);
    }

    @Override
    public boolean isEmpty(String topic, long lastSequence) {
      return empty;
    }

    @Override
    public boolean hasReplays(String topic) {
      return replays;
    }

    @Override
    public void drain(String topic, Trouble barredBefore) {
      draining.add(topic);
    }

    @Override
    public void close(String topic) {
      draining.remove(topic);
    }

    @Override
    public String replayed() {
      return replayed.poll();
    }

    @Override
    public String retried() {
      return retried.poll();
    }

    @Override
    public String discarded() {
      return discarded.poll();
    }

    @Override
    public boolean hasSettled(String topic) {
      return settled;
    }

    @Override
    public Progress progress(String topic) {
      looks++;
      return progress;
    }
  }

  private static OutboxRecord record(String topic, long sequence, long timestamp) {
    return new OutboxRecord(
        sequence,
        0,
        1,
        timestamp,
        new UUID(1, sequence),
        topic,
        null,
        new byte[0],
        List.of(),
        null,
        false,
        false,
        null,
        100);
  }

  private static Trouble missing(String topic) {
    return new Trouble(
        new Verdict.PauseTopic(topic, PauseReason.TOPIC_MISSING, "missing"), 1_000, 1);
  }

  private Admission admit(String topic) {
    OutboxRecord next = record(topic, ++sequence, 1);
    Admission admission = routes.admit(next, now);
    if (admission instanceof Admission.Park) {
      routes.parked(next);
    }
    return admission;
  }

  private void bar(String topic) {
    routes.bar(topic, missing(topic), now + SECOND, now);
  }

  private List<LaneNews> news() {
    List<LaneNews> all = new ArrayList<>();
    for (LaneNews next = routes.news(now); next != null; next = routes.news(now)) {
      all.add(next);
    }
    return all;
  }

  /** Its lane is full, and it is there again. */
  private void drain(String topic) {
    bar(topic);
    now += PARK_AFTER;
    assertThat(admit(topic)).isEqualTo(new Admission.Park(true));
    assertThat(news()).containsExactly(new LaneNews.Parked(topic));
    routes.askAgain(now);
    assertThat(routes.ready(topic, 1, now)).isNull();
    assertThat(lanes.draining).containsExactly(topic);
  }

  private void close(String topic) {
    drain(topic);
    lanes.progress = new Lanes.Progress.Delivering(1_000);
    assertThat(news()).isEmpty();
    assertThat(admit(topic)).isEqualTo(WAIT);
  }

  @Test
  void eventsWaitForAWhileAndAreParkedThen() {
    bar("a");
    now += PARK_AFTER - 1;
    assertThat(admit("a")).isEqualTo(WAIT);
    assertThat(routes.parks("a", now)).isFalse();
    now++;
    assertThat(routes.parks("a", now)).isTrue();
    assertThat(admit("a")).isEqualTo(new Admission.Park(true));
    assertThat(admit("a")).isEqualTo(new Admission.Park(false));
    assertThat(news()).containsExactly(new LaneNews.Parked("a"));
    assertThat(routes.bar("a")).isEqualTo(missing("a"));
  }

  @Test
  void whatIsBarredAnewHasWaitedSinceTheFirstTime() {
    bar("a");
    now += PARK_AFTER;
    bar("a");
    assertThat(admit("a")).isEqualTo(new Admission.Park(true));
  }

  private void park(String topic) {
    bar(topic);
    now += PARK_AFTER;
    assertThat(admit(topic)).isEqualTo(new Admission.Park(true));
    assertThat(news()).containsExactly(new LaneNews.Parked(topic));
    lanes.last.put(topic, sequence);
  }

  private List<LaneNews> discard(String topic, boolean waits) {
    lanes.discarded.add(topic);
    routes.lookForGivenUp(any -> waits);
    return news();
  }

  @Test
  void aTopicOfWhichAllWasGivenUpIsForgottenAndItsNextEventAsksForItAnew() {
    park("a");
    assertThat(discard("a", false)).containsExactly(new LaneNews.GivenUp("a"));
    assertThat(routes.isUnwritable("a")).isFalse();
    assertThat(routes.bar("a")).isNull();
    now += 10 * PARK_AFTER;
    routes.askAgain(now);
    assertThat(source.asked).isEmpty();
    assertThat(admit("a")).isEqualTo(WAIT);
    assertThat(source.asked).containsExactly("a");
    routes.unavailable("a");
    bar("a");
    assertThat(routes.firstBar()).isEqualTo(missing("a"));
    now += PARK_AFTER;
    assertThat(admit("a")).isEqualTo(new Admission.Park(true));
  }

  @Test
  void whatAnEarlierRunHasLeftIsForgottenToo() {
    lanes.left.add("a");
    lanes.last.put("a", 7L);
    routes = new Routes(source, lanes, PARK_AFTER, now);
    assertThat(discard("a", false)).containsExactly(new LaneNews.GivenUp("a"));
    assertThat(routes.keepsBack("a")).isFalse();
  }

  @Test
  void aTopicOfWhichAnythingWaitsStaysBarred() {
    park("a");
    assertThat(discard("a", true)).isEmpty();
    assertThat(admit("a")).isEqualTo(new Admission.Park(false)); // on its way there
    assertThat(discard("a", false)).isEmpty();
    lanes.last.put("a", sequence);
    lanes.replays = true;
    assertThat(discard("a", false)).isEmpty();
    assertThat(routes.bar("a")).isEqualTo(missing("a"));
    lanes.replays = false;
    assertThat(discard("a", false)).containsExactly(new LaneNews.GivenUp("a"));
  }

  @Test
  void aTopicThatIsBeingAskedForIsForgottenAfterTheAnswer() {
    park("a");
    now += SECOND;
    routes.askAgain(now);
    assertThat(discard("a", false)).isEmpty();
    routes.unavailable("a");
    bar("a");
    routes.lookForGivenUp(any -> false);
    assertThat(news()).containsExactly(new LaneNews.GivenUp("a"));
    assertThat(routes.isUnwritable("a")).isFalse();
  }

  @Test
  void aTopicThatReplaysHaveBarredIsForgottenWithThem() {
    lanes.replays = true;
    lanes.replayed.add("a");
    routes.askAgain(now);
    assertThat(source.asked).containsExactly("a");
    routes.unavailable("a");
    bar("a");
    lanes.replays = false;
    assertThat(discard("a", false)).containsExactly(new LaneNews.GivenUp("a"));
    assertThat(routes.firstBar()).isNull();
    now += 10 * PARK_AFTER;
    routes.askAgain(now);
    assertThat(source.asked).containsExactly("a");
  }

  @Test
  void aLaneThatDeliversComesToItsEndByItself() {
    close("a");
    lanes.last.put("a", sequence);
    assertThat(discard("a", false)).isEmpty();
    lanes.empty = true;
    assertThat(news()).containsExactly(new LaneNews.Resumed("a"));
  }

  @Test
  void aTopicThatIsThereInTimeHasNoLane() {
    bar("a");
    now += SECOND;
    routes.askAgain(now);
    assertThat(routes.ready("a", 1, now)).isNull();
    now += PARK_AFTER;
    assertThat(admit("a")).isInstanceOf(Admission.Send.class);
    assertThat(lanes.draining).isEmpty();
  }

  @Test
  void whereNoMoreLanesAreTakenEventsWait() {
    lanes.takeMore = false;
    bar("a");
    now += 10 * PARK_AFTER;
    routes.makeRoom(now);
    assertThat(admit("a")).isEqualTo(WAIT);
    assertThat(routes.parks("a", now)).isFalse();
  }

  @Test
  void whatIsNoTopicsNameIsNeverParked() {
    bar("../../etc");
    now += 10 * PARK_AFTER;
    assertThat(admit("../../etc")).isEqualTo(WAIT);
  }

  @Test
  void whatNoLaneTakesIsADeadLetterAtOnce() {
    bar("a");
    now += PARK_AFTER;
    assertThat(routes.admit(record("a", 1, -5), now))
        .isInstanceOfSatisfying(
            Admission.Refused.class,
            refused ->
                assertThat(refused.verdict())
                    .isInstanceOfSatisfying(
                        Verdict.DeadLetter.class,
                        dead ->
                            assertThat(dead.reason())
                                .isEqualTo(DeadLetterReason.INVALID_TIMESTAMP)));
  }

  @Test
  void whereThereIsNoMoreRoomBarredTopicsAreParkedAtOnce() {
    bar("a");
    assertThat(admit("a")).isEqualTo(WAIT);
    routes.makeRoom(now);
    assertThat(admit("a")).isEqualTo(new Admission.Park(true));
  }

  @Test
  void whatComesWhileItsLaneDeliversGoesThereUntilLittleIsLeft() {
    drain("a");
    assertThat(routes.firstBar()).isNull();
    assertThat(admit("a")).isEqualTo(new Admission.Park(false));
    lanes.progress = new Lanes.Progress.Delivering(1_001);
    assertThat(news()).isEmpty();
    assertThat(admit("a")).isEqualTo(new Admission.Park(false));
    lanes.progress = new Lanes.Progress.Delivering(1_000);
    assertThat(news()).isEmpty();
    assertThat(admit("a")).isEqualTo(WAIT);
  }

  @Test
  void anEmptyLaneIsClosedAndTheTopicIsAskedForBeforeItsNextEventIsSent() {
    close("a");
    lanes.empty = true;
    assertThat(news()).containsExactly(new LaneNews.Resumed("a"));
    assertThat(lanes.draining).isEmpty();
    assertThat(routes.bar("a")).isNull();
    assertThat(admit("a")).isEqualTo(WAIT);
    assertThat(routes.ready("a", 1, now)).isNull();
    assertThat(admit("a")).isInstanceOf(Admission.Send.class);
  }

  @Test
  void aLaneThatDoesNotComeToItsEndGetsWhatComesAgainForAWhile() {
    close("a");
    now += 5 * SECOND;
    assertThat(news()).isEmpty();
    assertThat(admit("a")).isEqualTo(new Admission.Park(false));
    now += 5 * SECOND - 1;
    assertThat(news()).isEmpty();
    assertThat(admit("a")).isEqualTo(new Admission.Park(false));
    now++;
    assertThat(news()).isEmpty();
    assertThat(admit("a")).isEqualTo(WAIT);
  }

  @Test
  void whereThereIsNoMoreRoomWhatWaitsForItsLaneGoesThere() {
    close("a");
    routes.makeRoom(now);
    assertThat(admit("a")).isEqualTo(new Admission.Park(false));
  }

  @Test
  void aLaneThatGetsNoFurtherIsToldAndItsTopicBarredAnew() {
    drain("a");
    Verdict away = new Verdict.RetryLater("no ack");
    lanes.progress = new Lanes.Progress.Stuck(away);
    assertThat(news()).containsExactly(new LaneNews.Stuck("a", away));
    assertThat(lanes.draining).isEmpty();
    bar("a");
    assertThat(admit("a")).isEqualTo(new Admission.Park(false));
    routes.askAgain(now + SECOND);
    assertThat(source.asked).containsExactly("a", "a");
  }

  @Test
  void aTopicThatIsGoneAgainWhileItsLaneDeliversKeepsIt() {
    drain("a");
    bar("a");
    assertThat(lanes.draining).isEmpty();
    assertThat(admit("a")).isEqualTo(new Admission.Park(false));
    assertThat(routes.bar("a")).isEqualTo(missing("a"));
  }

  @Test
  void whatAnEarlierRunHasLeftComesFirst() {
    lanes.left.add("a");
    routes = new Routes(source, lanes, PARK_AFTER, now);
    assertThat(routes.firstBar()).isNull();
    assertThat(admit("a")).isEqualTo(new Admission.Park(false));
    routes.askAgain(now);
    assertThat(source.asked).containsExactly("a");
    routes.unavailable("a");
    assertThat(routes.isUnwritable("a")).isTrue();
    routes.retry("a", now + SECOND);
    routes.askAgain(now);
    assertThat(source.asked).hasSize(1);
    routes.askAgain(now + SECOND);
    assertThat(source.asked).hasSize(2);
    assertThat(routes.ready("a", 1, now)).isNull();
    assertThat(lanes.draining).containsExactly("a");
  }

  @Test
  void aTopicThatIsParkedAtOnceHasItsLaneWithItsFirstEvent() {
    bar("a");
    routes.park("a");
    assertThat(news()).containsExactly(new LaneNews.Parked("a"));
    routes.askAgain(now + SECOND);
    assertThat(routes.ready("a", 1, now)).isNull();
    assertThat(lanes.draining).isEmpty();
    assertThat(routes.isUnwritable("a")).isTrue();
    assertThat(admit("a")).isEqualTo(new Admission.Park(false));
    routes.askAgain(now + 2 * SECOND);
    assertThat(source.asked).hasSize(2);
    assertThat(routes.ready("a", 1, now)).isNull();
    assertThat(lanes.draining).containsExactly("a");
  }

  @Test
  void whatWasParkedAndComesAgainGoesToItsLaneWhichDeliversOnceMore() {
    lanes.last.put("a", 7L);
    assertThat(routes.admit(record("a", 7, 1), now)).isEqualTo(new Admission.Park(true));
    assertThat(lanes.draining).containsExactly("a");
    assertThat(routes.admit(record("a", 8, 1), now)).isEqualTo(new Admission.Park(false));
    lanes.progress = new Lanes.Progress.Delivering(0);
    lanes.empty = true;
    assertThat(news()).isEmpty();
    assertThat(news()).containsExactly(new LaneNews.Resumed("a"));
  }

  @Test
  void aTopicWhoseEventsAreParkedIsInTheWayOfNoneThoughItStaysBarred() {
    bar("a");
    assertThat(routes.firstBar()).isEqualTo(missing("a"));
    now += PARK_AFTER;
    assertThat(admit("a")).isEqualTo(new Admission.Park(true));
    assertThat(routes.firstBar()).isNull();
    assertThat(routes.bar("a")).isEqualTo(missing("a"));
    assertThat(routes.isUnwritable("a")).isTrue();
  }

  @Test
  void ofThousandsOfLanesThatAreToDeliverATurnLooksAtAFew() {
    for (int i = 0; i < 10_000; i++) {
      lanes.left.add("topic" + i);
    }
    routes = new Routes(source, lanes, PARK_AFTER, now);
    lanes.left.forEach(topic -> routes.ready(topic, 1, now));
    assertThat(news()).isEmpty();
    assertThat(lanes.looks).isBetween(1, 100);
  }

  @Test
  void aParkedTopicThatComesBackWithFewerPartitionsCostsNoSender() {
    assertThat(admit("a")).isEqualTo(WAIT);
    assertThat(routes.ready("a", 3, now)).isNull();
    bar("a");
    now += PARK_AFTER;
    assertThat(admit("a")).isEqualTo(new Admission.Park(true));
    assertThat(routes.ready("a", 1, now)).isNull();
  }

  private void barForNoAck(String topic) {
    Verdict verdict = new Verdict.PauseTopic(topic, PauseReason.NO_ACK, "no ack");
    routes.bar(topic, new Trouble(verdict, 1_000, 1), now + SECOND, now);
  }

  @Test
  void whatIsNotAckedIsProvenByItsLaneAndByNoAnswer() {
    barForNoAck("a");
    routes.park("a");
    assertThat(admit("a")).isEqualTo(new Admission.Park(false));
    routes.askAgain(now + SECOND);
    assertThat(routes.ready("a", 1, now)).isNull();
    assertThat(routes.isUnproven("a")).isTrue();
    assertThat(news()).containsExactly(new LaneNews.Parked("a"));
    lanes.progress = new Lanes.Progress.Stuck(new Verdict.RetryLater("no ack"));
    assertThat(news()).hasSize(1).allMatch(LaneNews.Stuck.class::isInstance);
    barForNoAck("a");
    lanes.progress = new Lanes.Progress.Delivering(2_000);
    routes.askAgain(now + 2 * SECOND);
    assertThat(routes.ready("a", 1, now)).isNull();
    assertThat(news()).isEmpty();
    lanes.settled = true;
    assertThat(news()).containsExactly(new LaneNews.Proven("a"));
    assertThat(routes.isUnproven("a")).isFalse();
    assertThat(lanes.draining).containsExactly("a");
  }

  @Test
  void lanesOutliveTheSender() {
    drain("a");
    routes.renew(now);
    assertThat(admit("a")).isEqualTo(new Admission.Park(false));
    lanes.progress = new Lanes.Progress.Delivering(0);
    lanes.empty = true;
    assertThat(news()).isEmpty();
    assertThat(news()).containsExactly(new LaneNews.Resumed("a"));
  }

  @Test
  void aTopicOfWhichNothingIsKnownDoesNotWaitForAllThatAreBarred() {
    for (String topic : List.of("a", "b", "c")) {
      bar(topic);
    }
    now += SECOND;
    routes.askAgain(now);
    assertThat(admit("new")).isEqualTo(WAIT);
    assertThat(admit("newer")).isEqualTo(WAIT);
    routes.unavailable("a");
    now += SECOND;
    assertThat(admit("newer")).isEqualTo(WAIT);
    assertThat(source.asked).containsExactly("a");
    routes.askAgain(now);
    assertThat(source.asked).containsExactly("a", "new");
    assertThat(routes.ready("new", 1, now)).isNull();
    routes.askAgain(now);
    assertThat(source.asked).hasSize(3).doesNotContain("newer");
    routes.unavailable(source.asked.get(2));
    routes.askAgain(now);
    assertThat(source.asked).hasSize(4).endsWith("newer");
  }

  @Test
  void eachBarredTopicGetsItsTurn() {
    for (String topic : List.of("a", "b", "c")) {
      bar(topic);
    }
    now += SECOND;
    for (int i = 0; i < 3; i++) {
      routes.askAgain(now);
      String asked = source.asked.get(i);
      routes.unavailable(asked);
      routes.bar(asked, missing(asked), now + 1, now);
      now += SECOND / 100;
    }
    assertThat(source.asked).containsExactlyInAnyOrder("a", "b", "c");
  }

  private void open(String topic) {
    assertThat(admit(topic)).isEqualTo(WAIT);
    assertThat(routes.ready(topic, 1, now)).isNull();
    assertThat(admit(topic)).isInstanceOf(Admission.Send.class);
  }

  @Test
  void whatWasGivenUpIsDeliveredBesideWhatIsSent() {
    open("a");
    lanes.replayed.add("a");
    routes.askAgain(now);
    assertThat(lanes.draining).containsExactly("a");
    lanes.progress = new Lanes.Progress.Delivering(5);
    routes.askAgain(now);
    assertThat(admit("a")).isInstanceOf(Admission.Send.class);
    assertThat(lanes.draining).containsExactly("a");
    lanes.empty = true;
    routes.askAgain(now);
    assertThat(lanes.draining).isEmpty();
    assertThat(news()).isEmpty();
    assertThat(admit("a")).isInstanceOf(Admission.Send.class);
  }

  @Test
  void aTopicOfWhichNothingIsKnownIsAskedForBeforeItsLaneDelivers() {
    lanes.replayed.add("a");
    routes.askAgain(now);
    assertThat(source.asked).containsExactly("a");
    assertThat(lanes.draining).isEmpty();
    assertThat(routes.ready("a", 1, now)).isNull();
    routes.askAgain(now);
    assertThat(lanes.draining).containsExactly("a");
  }

  @Test
  void aTopicThatIsBarredMeanwhileHasItsLaneEndAndThatGoesOnAsPartOfItsOrder() {
    open("a");
    lanes.replayed.add("a");
    routes.askAgain(now);
    bar("a");
    assertThat(lanes.draining).isEmpty();
    routes.askAgain(now);
    assertThat(lanes.draining).isEmpty();
    now += PARK_AFTER;
    assertThat(admit("a")).isEqualTo(new Admission.Park(true));
    routes.askAgain(now);
    assertThat(routes.ready("a", 1, now)).isNull();
    assertThat(lanes.draining).containsExactly("a");
    assertThat(admit("a")).isEqualTo(new Admission.Park(false));
  }

  @Test
  void aLaneThatGetsNoFurtherIsTriedAgainLaterAndKeepsNobodyBack() {
    open("a");
    lanes.replayed.add("a");
    routes.askAgain(now);
    lanes.progress = new Lanes.Progress.Stuck(new Verdict.RetryLater("stuck"));
    routes.askAgain(now);
    assertThat(lanes.draining).isEmpty();
    assertThat(admit("a")).isInstanceOf(Admission.Send.class);
    routes.askAgain(now + 29 * SECOND);
    assertThat(lanes.draining).isEmpty();
    lanes.progress = new Lanes.Progress.Waiting();
    routes.askAgain(now + 30 * SECOND);
    assertThat(lanes.draining).containsExactly("a");
  }

  @Test
  void replaysThatStandBehindWhatIsParkedDoNotBarItsTopic() {
    bar("a");
    now += PARK_AFTER;
    assertThat(admit("a")).isEqualTo(new Admission.Park(true));
    routes.askAgain(now);
    assertThat(routes.ready("a", 1, now)).isNull();
    lanes.empty = true; // but for replays
    lanes.replays = true;
    lanes.progress = new Lanes.Progress.Stuck(new Verdict.RetryLater("stuck"));
    assertThat(news()).last().isEqualTo(new LaneNews.Resumed("a"));
    assertThat(lanes.draining).isEmpty();
    assertThat(routes.isUnwritable("a")).isFalse();
    open("a");
    lanes.progress = new Lanes.Progress.Waiting();
    routes.askAgain(now);
    assertThat(lanes.draining).containsExactly("a"); // beside what is sent
    assertThat(admit("a")).isInstanceOf(Admission.Send.class);
  }

  @Test
  void replaysThatStandHoldUpNoneOfAnotherTopic() {
    for (int i = 0; i < 40; i++) {
      bar("missing-" + i);
      lanes.replayed.add("missing-" + i);
    }
    open("there");
    lanes.replayed.add("there");
    for (int i = 0; i < 4; i++) {
      routes.askAgain(now);
    }
    assertThat(lanes.draining).containsExactly("there");
  }

  @Test
  void aTopicIsAskedForAtOnceIfSomebodyWantsThat() {
    bar("a");
    bar("b");
    routes.askAgain(now);
    assertThat(source.asked).isEmpty();
    lanes.retried.add("a");
    lanes.retried.add("of which nothing is known");
    routes.askAgain(now);
    assertThat(source.asked).containsExactly("a");
  }
}
