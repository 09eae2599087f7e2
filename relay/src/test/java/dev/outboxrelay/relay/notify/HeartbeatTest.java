package dev.outboxrelay.relay.notify;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.relay.deliver.DeliveryState;
import dev.outboxrelay.relay.fact.Bars;
import dev.outboxrelay.relay.fact.Cause;
import dev.outboxrelay.relay.fact.Held;
import dev.outboxrelay.relay.fact.Part;
import dev.outboxrelay.relay.fact.PauseReason;
import dev.outboxrelay.relay.fact.Trouble;
import dev.outboxrelay.relay.fact.Verdict;
import dev.outboxrelay.relay.fleet.FleetStatus;
import dev.outboxrelay.relay.pipeline.PipelineStatus;
import dev.outboxrelay.relay.pipeline.Statuses;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class HeartbeatTest {
  private static final Path OUTBOX = Path.of("/var/lib/outbox");
  private static final Duration MINUTE = Duration.ofMinutes(1);

  private final List<List<String>> told = new ArrayList<>();
  private long now = 7;
  private FleetStatus fleet = turning();

  @Test
  void feedsTheWatchdogAtOnceAndFourTimesInItsTimeout() {
    Heartbeat heartbeat = heartbeat(Optional.of(MINUTE));

    assertThat(Duration.ofNanos(heartbeat.doWork())).isEqualTo(MINUTE.dividedBy(4));
    assertThat(told)
        .containsExactly(
            List.of("WATCHDOG=1", "STATUS=Delivering, 0 events waiting in /var/lib/outbox"));

    pass(MINUTE.dividedBy(4).minusNanos(1));
    assertThat(heartbeat.doWork()).isEqualTo(1);
    assertThat(told).hasSize(1);

    pass(Duration.ofNanos(1));
    heartbeat.doWork();
    assertThat(told.subList(1, told.size())).containsExactly(List.of("WATCHDOG=1"));
  }

  @Test
  void starvesTheWatchdogWhileALoopDoesNotTurnAndFeedsItAgainWhenItDoes() {
    Heartbeat heartbeat = heartbeat(Optional.of(MINUTE));
    heartbeat.doWork();
    told.clear();

    now += MINUTE.toNanos();
    heartbeat.doWork();
    assertThat(told)
        .containsExactly(
            List.of("STATUS=Stuck: the loop of /var/lib/outbox has not turned for 60 s"));

    told.clear();
    pass(MINUTE);
    heartbeat.doWork();
    assertThat(told.get(0)).contains("WATCHDOG=1");
  }

  @Test
  void feedsTheWatchdogWhileKafkaIsAwayAndSaysWhy() {
    Trouble trouble = new Trouble(new Verdict.RebuildAndRewind("Timeout:\nno broker"), 1_000, 3);
    fleet =
        FleetStatus.of(
            Statuses.withLag(
                OUTBOX, new DeliveryState.BackingOff(trouble, 1), now, OptionalLong.of(1)));

    heartbeat(Optional.of(MINUTE)).doWork();

    assertThat(told)
        .containsExactly(
            List.of(
                "WATCHDOG=1",
                "STATUS=Backing-off, 2 events waiting in /var/lib/outbox: Timeout: no broker"));
  }

  @Test
  void saysWhatFailsOfTheRelaysOwnWorkWhileEventsAreDelivered() {
    Trouble trouble = new Trouble(new Cause.PartFailed(Part.POSITION, "disk full"), 1_000, 3);
    fleet = FleetStatus.of(Statuses.troubled(Statuses.idle(OUTBOX, now), trouble));

    heartbeat(Optional.empty()).doWork();

    assertThat(told)
        .containsExactly(
            List.of(
                "STATUS=Delivering, 0 events waiting in /var/lib/outbox;"
                    + " position fails: disk full"));
  }

  @Test
  void saysHowManyTopicsCannotBeWrittenBeforeTheErrorOfOne() {
    PipelineStatus barred = Statuses.barred(Statuses.idle(OUTBOX, now), bars("a", "b", "c"));
    fleet = FleetStatus.of(barred);
    heartbeat(Optional.empty()).doWork();

    fleet = new FleetStatus(List.of(barred, barred), List.of(), OptionalLong.of(now));
    heartbeat(Optional.empty()).doWork();

    fleet = FleetStatus.of(Statuses.barred(Statuses.idle(OUTBOX, now), bars("a")));
    heartbeat(Optional.empty()).doWork();

    assertThat(told)
        .containsExactly(
            List.of(
                "STATUS=Delivering, 0 events waiting in /var/lib/outbox;"
                    + " 3 topics can't be written: no topic a"),
            List.of("STATUS=2 outboxes, 0 events waiting; 2 in trouble; 6 topics can't be written"),
            List.of("STATUS=Delivering, 0 events waiting in /var/lib/outbox: no topic a"));
  }

  private static Bars bars(String... topics) {
    List<Trouble> all =
        Stream.of(topics)
            .map(
                topic ->
                    new Verdict.PauseTopic(topic, PauseReason.TOPIC_MISSING, "no topic " + topic))
            .map(pause -> new Trouble(pause, 1_000, 3))
            .toList();
    return new Bars(Map.of(PauseReason.TOPIC_MISSING, topics.length), all);
  }

  @Test
  void tellsOnlyWhatIsNewWhereNobodyWatches() {
    Heartbeat heartbeat = heartbeat(Optional.empty());
    heartbeat.doWork();
    assertThat(told).hasSize(1);
    assertThat(told.get(0)).noneMatch(word -> word.startsWith("WATCHDOG"));

    pass(Duration.ofHours(1));
    heartbeat.doWork();
    assertThat(told).hasSize(1);
  }

  @Test
  void countsTheOutboxesWhereThereAreSeveral() {
    fleet =
        new FleetStatus(
            List.of(
                Statuses.idle(OUTBOX, now),
                Statuses.withLag(OUTBOX, new DeliveryState.Delivering(), now, OptionalLong.of(1))),
            List.of(),
            OptionalLong.of(now));

    heartbeat(Optional.empty()).doWork();

    assertThat(told).containsExactly(List.of("STATUS=2 outboxes, 2 events waiting"));
  }

  @Test
  void oneLoopOfSeveralThatIsStuckStarvesNotTheOthers() {
    long late = FleetStatus.PATIENCE.plusSeconds(1).toNanos();
    now = late;
    PipelineStatus stuck = delivering(0);
    // No loop turns for it: whoever looks for outboxes does.
    PipelineStatus resting =
        Statuses.withLag(OUTBOX, new DeliveryState.Stopped().idle(), late, OptionalLong.empty());
    List<PipelineStatus> one = List.of(stuck, delivering(late), resting);
    List<PipelineStatus> all = List.of(stuck, stuck, resting);

    assertThat(
            new FleetStatus(one, List.of(), OptionalLong.of(late)).stuck(now, FleetStatus.PATIENCE))
        .isEmpty();
    assertThat(
            new FleetStatus(all, List.of(), OptionalLong.of(late)).stuck(now, FleetStatus.PATIENCE))
        .hasValueSatisfying(loop -> assertThat(loop).contains(OUTBOX.toString()));
  }

  private static PipelineStatus delivering(long tickNanos) {
    return Statuses.withLag(OUTBOX, new DeliveryState.Delivering(), tickNanos, OptionalLong.of(1));
  }

  private Heartbeat heartbeat(Optional<Duration> watchdog) {
    return new Heartbeat(() -> fleet, told::add, () -> now, watchdog);
  }

  private FleetStatus turning() {
    return FleetStatus.of(Statuses.idle(OUTBOX, now));
  }

  /** Time passes, and the loop turns. */
  private void pass(Duration time) {
    now += time.toNanos();
    fleet = turning();
  }

  @Test
  void saysHowManyEventsAreParked() {
    Held held = new Held(2, 5, 500, List.of(), OptionalLong.empty());
    PipelineStatus parked = Statuses.parked(Statuses.idle(OUTBOX, now), held);
    fleet = FleetStatus.of(parked);
    heartbeat(Optional.empty()).doWork();

    fleet = new FleetStatus(List.of(parked, parked), List.of(), OptionalLong.of(now));
    heartbeat(Optional.empty()).doWork();

    assertThat(told)
        .containsExactly(
            List.of("STATUS=Delivering, 0 events waiting and 5 parked in /var/lib/outbox"),
            List.of("STATUS=2 outboxes, 0 events waiting and 10 parked"));
  }
}
