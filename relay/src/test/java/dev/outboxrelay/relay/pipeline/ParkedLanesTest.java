package dev.outboxrelay.relay.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.relay.deliver.route.Lanes.Progress;
import dev.outboxrelay.relay.fact.PauseReason;
import dev.outboxrelay.relay.fact.Trouble;
import dev.outboxrelay.relay.fact.Verdict;
import dev.outboxrelay.relay.settle.ParkedTopic;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ParkedLanesTest {
  private static final Path DIR = Path.of("/o/parked/t");

  private final FakeParkedStore store = new FakeParkedStore();
  private final Map<String, Scripted> services = new LinkedHashMap<>();
  private final List<String> begun = new ArrayList<>();
  private PipelineRefused refused;
  private long nanos;
  private final ParkedLanes lanes = new ParkedLanes(store, this::open, true, () -> nanos);

  /** A lane that is where the test says. */
  private static final class Scripted implements Service {
    private Stage stage = new Stage.Opening();
    private boolean stopped;
    private boolean givenUp;

    @Override
    public Stage stage() {
      return stage;
    }

    @Override
    public void stop() {
      stopped = true;
    }

    @Override
    public void giveUp() {
      givenUp = true;
      stopped = true;
    }

    /** It delivers, has settled so much, and saved that. */
    void settled(long sequence) {
      stage = new Stage.Open(() -> Statuses.settledAt(DIR, sequence));
    }

    void end() {
      stage = new Stage.Ended(new PipelineEnd.Stopped(0, true), Statuses.settledAt(DIR, 0));
    }
  }

  private Service open(String topic, Trouble barredBefore) {
    if (refused != null) {
      throw refused;
    }
    begun.add(topic);
    Scripted service = new Scripted();
    services.put(topic, service);
    return service;
  }

  /** So many events wait there, as sequences 1 and on. */
  private void park(String topic, long events) {
    store.topics.put(topic, new ParkedTopic(events, 0, 100 * events));
    store.last.put(topic, 10 * events);
  }

  @Test
  void replaysKeepNobodyBack() {
    store.topics.put("parked", new ParkedTopic(9, 7, 6, 900));
    store.topics.put("replays", new ParkedTopic(9, 5, 6, 900));
    store.last.put("parked", 70L);
    assertThat(lanes.left()).containsExactly("parked");
    Scripted lane = begin("parked");
    lane.settled(6);
    assertThat(lanes.progress("parked")).isEqualTo(new Progress.Delivering(1));
    assertThat(lanes.isEmpty("parked", 70)).isFalse();
    lane.settled(7);
    assertThat(lanes.isEmpty("parked", 70)).isTrue();
    assertThat(lanes.hasReplays("parked")).isTrue();
    lane.settled(9);
    assertThat(lanes.hasReplays("parked")).isFalse();
  }

  private Scripted begin(String topic) {
    lanes.drain(topic, null);
    assertThat(lanes.progress(topic)).isEqualTo(new Progress.Waiting());
    return services.get(topic);
  }

  @Test
  void whatAnEarlierRunHasLeftIsWhatIsNotSettled() {
    park("a", 3);
    store.topics.put("b", new ParkedTopic(3, 3, 0));
    assertThat(lanes.left()).containsExactly("a");
    assertThat(lanes.lastParked("a")).isEqualTo(30);
  }

  @Test
  void aLaneThatDeliversTellsHowMuchIsLeft() {
    park("a", 5);
    begin("a").settled(2);
    assertThat(lanes.progress("a")).isEqualTo(new Progress.Delivering(3));
    assertThat(lanes.isEmpty("a", 50)).isFalse();
    services.get("a").settled(5);
    assertThat(lanes.progress("a")).isEqualTo(new Progress.Delivering(0));
    assertThat(lanes.isEmpty("a", 50)).isTrue();
  }

  @Test
  void aLaneIsNotEmptyWhileSomethingIsOnItsWayThere() {
    park("a", 5);
    begin("a").settled(5);
    assertThat(lanes.isEmpty("a", 51)).isFalse();
  }

  @Test
  void aFewDeliverAtATimeAndOthersWaitForTheirTurn() {
    List<String> topics = List.of("a", "b", "c", "d", "e", "f");
    for (String topic : topics) {
      park(topic, 1);
      begin(topic);
    }
    assertThat(begun).hasSize(ParkedLanes.MOST_OPEN);
    lanes.close("a");
    assertThat(services.get("a").stopped).isTrue();
    lanes.progress("e");
    assertThat(begun).doesNotContain("e"); // a's threads are still there
    services.get("a").end();
    lanes.progress("e");
    lanes.progress("f");
    assertThat(begun).contains("e").doesNotContain("f");
  }

  @Test
  void aLaneThatSettlesNothingLeavesItsTurn() {
    park("a", 5);
    store.topics.put("a", new ParkedTopic(5, 2, 300));
    begin("a").settled(2);
    lanes.progress("a");
    assertThat(lanes.hasSettled("a")).isFalse();
    nanos += ParkedLanes.PATIENCE_NANOS - 1;
    assertThat(lanes.progress("a")).isEqualTo(new Progress.Delivering(3));
    services.get("a").settled(3);
    assertThat(lanes.progress("a")).isEqualTo(new Progress.Delivering(2));
    assertThat(lanes.hasSettled("a")).isTrue();
    nanos += ParkedLanes.PATIENCE_NANOS;
    assertThat(lanes.progress("a")).isInstanceOf(Progress.Stuck.class);
    lanes.close("a");
    assertThat(services.get("a").givenUp).isTrue(); // nobody waits for what is on its way there
  }

  @Test
  void whatKeepsALaneBackIsWhatItIsStuckFor() {
    park("a", 5);
    Scripted service = begin("a");
    Verdict away = new Verdict.RetryLater("no ack for topic a");
    PipelineStatus behind = Statuses.settledAt(DIR, 2);
    service.stage =
        new Service.Stage.Open(() -> Statuses.troubled(behind, new Trouble(away, 1, 1)));
    lanes.progress("a");
    nanos += ParkedLanes.PATIENCE_NANOS;
    assertThat(lanes.progress("a")).isEqualTo(new Progress.Stuck(away));
  }

  @Test
  void anEmptyLaneIsNeverStuck() {
    park("a", 5);
    begin("a").settled(5);
    lanes.progress("a");
    nanos += 10 * ParkedLanes.PATIENCE_NANOS;
    assertThat(lanes.progress("a")).isEqualTo(new Progress.Delivering(0));
  }

  @Test
  void aLaneThatCantBeOpenedOrHasEndedIsStuck() {
    park("a", 5);
    begin("a").stage = new Service.Stage.Refused(new PipelineRefused.HeldByAnother("held"));
    assertThat(lanes.progress("a"))
        .isEqualTo(new Progress.Stuck(ofLane("its lane can't be opened: held")));
    lanes.close("a");
    begin("a").end();
    assertThat(lanes.progress("a")).isInstanceOf(Progress.Stuck.class);
    lanes.close("a");
    refused = new PipelineRefused.Unusable("no thread", null);
    lanes.drain("a", null);
    assertThat(lanes.progress("a")).isEqualTo(new Progress.Stuck(ofLane("no thread")));
  }

  private static Verdict ofLane(String error) {
    return new Verdict.PauseTopic("a", PauseReason.LANE, error);
  }

  @Test
  void aLaneThatBrokersHaveWaitKeepsItsTurnUnlessOthersWantIt() {
    park("a", 5);
    Scripted service = begin("a");
    Verdict quota = new Verdict.Throttled("a quota");
    PipelineStatus behind = Statuses.settledAt(DIR, 2);
    service.stage =
        new Service.Stage.Open(() -> Statuses.troubled(behind, new Trouble(quota, 1, 1)));
    lanes.progress("a");
    nanos += 10 * ParkedLanes.PATIENCE_NANOS;
    assertThat(lanes.progress("a")).isInstanceOf(Progress.Delivering.class);
    park("b", 5);
    lanes.drain("b", null);
    assertThat(lanes.progress("a")).isEqualTo(new Progress.Stuck(quota));
  }

  @Test
  void aTopicsNextLaneWaitsForTheLastOneToEnd() {
    park("a", 5);
    Scripted first = begin("a");
    lanes.close("a");
    lanes.drain("a", null);
    assertThat(lanes.progress("a")).isEqualTo(new Progress.Waiting());
    assertThat(begun).hasSize(1);
    first.end();
    lanes.progress("a");
    assertThat(begun).hasSize(2);
  }

  @Test
  void afterAStopNoneBegins() {
    park("a", 5);
    park("b", 5);
    Scripted first = begin("a");
    lanes.drain("b", null);
    lanes.stop();
    assertThat(first.stopped).isTrue();
    assertThat(lanes.haveEnded()).isFalse();
    lanes.drain("b", null);
    lanes.progress("b");
    first.end();
    assertThat(begun).containsExactly("a");
    assertThat(lanes.haveEnded()).isTrue();
  }

  @Test
  void aLaneBeginsWhenItsFirstEventIsThere() {
    begin("a");
    assertThat(begun).isEmpty();
    park("a", 1);
    lanes.progress("a");
    assertThat(begun).containsExactly("a");
  }

  @Test
  void aLaneEndsWhileWhatItHoldsIsGivenUpAndBeginsAgainThen() {
    park("a", 5);
    Scripted first = begin("a");
    first.settled(2);
    store.discarded.add("a");
    assertThat(lanes.progress("a")).isEqualTo(new Progress.Waiting());
    assertThat(first.stopped).isTrue();
    first.end();
    assertThat(lanes.progress("a")).isEqualTo(new Progress.Waiting());
    assertThat(begun).hasSize(1);
    store.discarded.clear();
    lanes.progress("a");
    assertThat(begun).hasSize(2);
  }
}
