package dev.outboxrelay.relay.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.relay.deliver.DeliveryState;
import dev.outboxrelay.relay.deliver.Standing;
import dev.outboxrelay.relay.fact.Bars;
import dev.outboxrelay.relay.fact.Cause;
import dev.outboxrelay.relay.fact.Held;
import dev.outboxrelay.relay.fact.Part;
import dev.outboxrelay.relay.fact.PauseReason;
import dev.outboxrelay.relay.fact.Trouble;
import dev.outboxrelay.relay.fact.Verdict;
import dev.outboxrelay.relay.fleet.OutboxOnHold;
import dev.outboxrelay.relay.http.Summary.Level;
import dev.outboxrelay.relay.pipeline.PipelineStatus;
import dev.outboxrelay.relay.pipeline.Statuses;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SummaryTest {
  private static final Path OUTBOX = Path.of("/outbox");
  private static final DeliveryState DELIVERING = new DeliveryState.Delivering();
  private static final long SINCE = 2_000;
  private static final long NOW = 900_000;

  @Test
  void aHealthyRelayAsksForNothing() {
    Summary summary = Summary.of(Statuses.idle(OUTBOX, 0), NOW, 0);

    assertThat(summary)
        .isEqualTo(new Summary(Level.OK, "All events are settled; nothing waits.", 1_000, null));
    assertThat(withLag(new DeliveryState.Delivering()).text()).isEqualTo("Delivers to Kafka.");
  }

  @Test
  void anOutageAsksForPatience() {
    Summary summary =
        withLag(new DeliveryState.Stalled(trouble(new Verdict.RetryLater("no answer"))));

    assertThat(summary.level()).isEqualTo(Level.WAITING);
    assertThat(summary.text()).isEqualTo("Events wait: Kafka does not answer.");
    assertThat(summary.sinceMillis()).isEqualTo(SINCE);
    assertThat(summary.todo()).contains("nothing is lost", "doctor");
  }

  @Test
  void whatAnOperatorHasToMendIsNamedWithTheWayOut() {
    Summary topic =
        withLag(
            new Standing(
                new DeliveryState.Delivering(),
                trouble(new Verdict.PauseTopic("orders", PauseReason.TOPIC_MISSING, "e"))));
    Summary all =
        withLag(
            new DeliveryState.PausedAll(
                trouble(new Verdict.PauseAll(PauseReason.AUTHENTICATION, "e")), 0));

    assertThat(topic.level()).isEqualTo(Level.ACTION);
    assertThat(topic.text())
        .isEqualTo("Events wait: topic orders can't be written (topic-missing).");
    assertThat(topic.todo()).isEqualTo("Create the topic.");
    assertThat(all.level()).isEqualTo(Level.ACTION);
    assertThat(all.text()).contains("(authentication)");
    assertThat(all.todo()).isEqualTo("Check user, password or certificates.");
  }

  @Test
  void aTopicThatIsBarredWhileOthersAreDeliveredIsNamed() {
    Summary summary = barred(Statuses.withLag(OUTBOX, DELIVERING, 0, OptionalLong.of(1)), 1);

    assertThat(summary.level()).isEqualTo(Level.ACTION);
    assertThat(summary.text())
        .isEqualTo("Delivers to Kafka, but topic t0 can't be written (topic-missing).");
    assertThat(summary.todo()).isEqualTo("Create the topic.");
    assertThat(summary.sinceMillis()).isEqualTo(SINCE);
  }

  @Test
  void howManyTopicsAreBarredIsSaidWhileTheHeadIsFine() {
    Summary busy = barred(Statuses.withLag(OUTBOX, DELIVERING, 0, OptionalLong.of(1)), 3);
    Summary calm = barred(Statuses.idle(OUTBOX, 0), 3);

    assertThat(busy.text()).isEqualTo("Delivers to Kafka, but 3 topics can't be written.");
    assertThat(busy.level()).isEqualTo(Level.ACTION);
    assertThat(busy.todo()).isEqualTo("They are listed below, each with what to do.");
    assertThat(calm.text()).isEqualTo("No other event waits, but 3 topics can't be written.");
  }

  @Test
  void aTopicThatHoldsUpTheHeadIsNamedWithTheNumberOfOthers() {
    Standing head = new Standing(DELIVERING, missing("t0"));
    Summary summary = barred(Statuses.withLag(OUTBOX, head, 0, OptionalLong.of(1)), 3);

    assertThat(summary.text())
        .isEqualTo("Events wait: topic t0 can't be written (topic-missing), nor can 2 others.");
  }

  @Test
  void anOutageIsSaidBeforeTopics() {
    DeliveryState outage = new DeliveryState.Stalled(trouble(new Verdict.RetryLater("no answer")));
    Summary summary = barred(Statuses.withLag(OUTBOX, outage, 0, OptionalLong.of(1)), 3);

    assertThat(summary.text()).isEqualTo("Events wait: Kafka does not answer.");
  }

  private static Summary barred(PipelineStatus status, int topics) {
    List<Trouble> bars = IntStream.range(0, topics).mapToObj(i -> missing("t" + i)).toList();
    Bars all = new Bars(Map.of(PauseReason.TOPIC_MISSING, topics), bars);
    return Summary.of(Statuses.barred(status, all), NOW, 0);
  }

  private static Trouble missing(String topic) {
    return trouble(new Verdict.PauseTopic(topic, PauseReason.TOPIC_MISSING, "e"));
  }

  @Test
  void anotherRelayThatTookOverIsNamed() {
    Summary summary =
        withLag(new DeliveryState.Fenced(trouble(new Verdict.Fenced("producer fenced"))));

    assertThat(summary.level()).isEqualTo(Level.ACTION);
    assertThat(summary.text()).contains("another relay took this outbox over");
    assertThat(summary.todo()).isEqualTo("Stop one of the two.");
  }

  @Test
  void aLoopThatDoesNotTurnIsSaidFirstWhateverItsStateWas() {
    long nanos = Duration.ofSeconds(20).toNanos();
    Summary summary = Summary.of(Statuses.idle(OUTBOX, 0), NOW, nanos);

    assertThat(summary.level()).isEqualTo(Level.ACTION);
    assertThat(summary.text()).isEqualTo("The delivery loop does not turn.");
    assertThat(summary.sinceMillis()).isEqualTo(NOW - 20_000);
  }

  @Test
  void anOutboxOnHoldSaysWhy() {
    Summary summary = Summary.of(new OutboxOnHold(OUTBOX, "unusable", "no right", SINCE, 3));

    assertThat(summary.level()).isEqualTo(Level.ACTION);
    assertThat(summary.text()).isEqualTo("Can't be served now (unusable).");
    assertThat(summary.sinceMillis()).isEqualTo(SINCE);
  }

  @Test
  void anOutboxThatAnotherRelayServesIsNobodysWorry() {
    Summary summary = Summary.of(new OutboxOnHold(OUTBOX, "held", "another relay", SINCE, 3));

    assertThat(summary.level()).isEqualTo(Level.OK);
    assertThat(summary.todo()).isNull();
  }

  private static Summary withLag(DeliveryState state) {
    return withLag(new Standing(state, null));
  }

  private static Summary withLag(Standing state) {
    return Summary.of(Statuses.withLag(OUTBOX, state, 0, OptionalLong.of(1)), NOW, 0);
  }

  private static Trouble trouble(Verdict verdict) {
    return new Trouble(verdict, SINCE, 4);
  }

  @Test
  void whatIsParkedIsDeliveredOnceEveryTopicCanBeWritten() {
    Held held = new Held(1, 5, 500, List.of(new Held.Topic("t0", 5, 500)), OptionalLong.of(1));
    PipelineStatus busy = Statuses.withLag(OUTBOX, DELIVERING, 0, OptionalLong.of(1));
    PipelineStatus calm = Statuses.parked(Statuses.idle(OUTBOX, 0), held);

    assertThat(Summary.of(calm, NOW, 0).text())
        .isEqualTo("Delivers what was parked; no other event waits.");
    assertThat(Summary.of(calm, NOW, 0).level()).isEqualTo(Level.OK);
    assertThat(Summary.of(Statuses.parked(busy, held), NOW, 0).text())
        .isEqualTo("Delivers to Kafka, and what was parked.");
    assertThat(barred(calm, 1).text())
        .isEqualTo("No other event waits, but topic t0 can't be written (topic-missing).");
    assertThat(barred(Statuses.parked(busy, held), 1).text())
        .isEqualTo("Delivers to Kafka, but topic t0 can't be written (topic-missing).");
  }

  @Test
  void whatCantBeParkedIsSaidBeforeTheTopicsThatCantBeWritten() {
    Trouble full = new Trouble(new Cause.PartFailed(Part.PARKING, "no space"), SINCE, 2);
    Summary summary = barred(Statuses.troubled(Statuses.idle(OUTBOX, 0), full), 2);

    assertThat(summary.level()).isEqualTo(Level.ACTION);
    assertThat(summary.text())
        .isEqualTo("Events of a topic that can't be written can't be kept apart.");
  }
}
