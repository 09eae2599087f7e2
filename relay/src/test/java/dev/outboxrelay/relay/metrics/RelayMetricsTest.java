package dev.outboxrelay.relay.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.client.files.FailureCounters;
import dev.outboxrelay.relay.deliver.DeliveryState;
import dev.outboxrelay.relay.fact.Bars;
import dev.outboxrelay.relay.fact.Cause;
import dev.outboxrelay.relay.fact.Counts;
import dev.outboxrelay.relay.fact.DeadLetterReason;
import dev.outboxrelay.relay.fact.Fact;
import dev.outboxrelay.relay.fact.FactListener;
import dev.outboxrelay.relay.fact.Held;
import dev.outboxrelay.relay.fact.Part;
import dev.outboxrelay.relay.fact.PauseReason;
import dev.outboxrelay.relay.fact.Trouble;
import dev.outboxrelay.relay.fact.Verdict;
import dev.outboxrelay.relay.pipeline.PipelineStatus;
import dev.outboxrelay.relay.pipeline.Statuses;
import dev.outboxrelay.relay.pipeline.UnsettledAge;
import dev.outboxrelay.relay.reload.Outcome;
import java.lang.reflect.Modifier;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RelayMetricsTest {
  private final AtomicLong nanos = new AtomicLong();
  private Instant now = Instant.ofEpochMilli(5_000);
  private final RelayMetrics metrics =
      new RelayMetrics("1.2.3", new UnsettledAge(() -> now), List::of, nanos::get);

  @TempDir private Path outbox;

  @AfterEach
  void close() {
    metrics.close();
  }

  @Test
  void anOutboxIsOnHoldForOneReasonUntilItIsServed() {
    metrics.onHold(outbox, Optional.of("held"));
    metrics.onHold(outbox, Optional.of("unusable"));
    assertThat(lines("outbox_relay_on_hold"))
        .singleElement()
        .asString()
        .contains("reason=\"unusable\"")
        .endsWith(" 1.0");

    metrics.onHold(outbox, Optional.empty());
    assertThat(lines("outbox_relay_on_hold")).isEmpty();
  }

  @Test
  void theSeriesOfAnOutboxEndWithIt() {
    Path other = outbox.resolveSibling("other");
    for (Path each : new Path[] {outbox, other}) {
      listener(each).tell(new Fact.SendFailed(new Verdict.RetryLater("gone"), "t"));
      metrics.watch(each, () -> Statuses.idle(each, 0));
    }
    metrics.gone(other);

    assertThat(metrics.scrape(false)).contains(outbox.toString()).doesNotContain("/other\"");
  }

  @Test
  void delaysAreToldApartFromAMillisecondToTheMinutesOfAnOutageInFewSeries() {
    FactListener listener = listener(outbox);
    listener.tell(new Fact.Delivered("t", 1, 1));
    listener.tell(new Fact.Delivered("t", 1, 119_000));
    listener.tell(new Fact.Delivered("t", 1, 121_000));
    listener.tell(new Fact.Delivered("t", 1, 3_500_000));

    String bucket = "outbox_relay_delivery_latency_seconds_bucket";
    assertThat(value(bucket, "le=\"0.001\"")).isEqualTo("1");
    assertThat(value(bucket, "le=\"60.0\"")).isEqualTo("1");
    assertThat(value(bucket, "le=\"120.0\"")).isEqualTo("2");
    assertThat(value(bucket, "le=\"300.0\"")).isEqualTo("3");
    assertThat(value(bucket, "le=\"3600.0\"")).isEqualTo("4");
    assertThat(metrics.scrape(false).lines().filter(line -> line.startsWith(bucket))).hasSize(18);
  }

  @Test
  void whatAPipelineTellsIsCounted() {
    FactListener listener = listener(outbox);
    listener.tell(new Fact.Delivered("t", 100, 20));
    listener.tell(new Fact.Delivered("t", 150, 4_000));
    listener.tell(new Fact.SendFailed(new Verdict.RebuildAndRewind("gone"), "t"));
    listener.tell(new Fact.Rewound(17));
    listener.tell(new Fact.DeadLettered("t", DeadLetterReason.TOO_LARGE, 3));
    listener.tell(new Fact.Quarantined(1, 2, 3, "crc"));
    listener.tell(new Fact.Missing(5, 9));
    listener.tell(new Fact.Failed(Part.POSITION, "EIO"));
    listener.tell(new Fact.Failed(Part.DEAD_LETTER, "EIO"));

    assertThat(value("outbox_relay_events_delivered_total")).isEqualTo("2.0");
    assertThat(value("outbox_relay_bytes_delivered_total")).isEqualTo("250.0");
    assertThat(value("outbox_relay_delivery_latency_seconds_count")).isEqualTo("2");
    assertThat(value("outbox_relay_delivery_latency_seconds_bucket", "le=\"0.025\""))
        .isEqualTo("1");
    assertThat(value("outbox_relay_send_errors_total", "kind=\"rebuild\"")).isEqualTo("1.0");
    assertThat(value("outbox_relay_retries_total")).isEqualTo("17.0");
    assertThat(value("outbox_relay_dead_letters_total", "reason=\"too-large\"")).isEqualTo("1.0");
    assertThat(value("outbox_relay_corrupt_records_total")).isEqualTo("1.0");
    assertThat(value("outbox_relay_missing_sequences_total")).isEqualTo("5.0");
    assertThat(value("outbox_relay_checkpoint_failures_total")).isEqualTo("1.0");
    assertThat(value("outbox_relay_job_failures_total")).isEqualTo("1.0");
  }

  @Test
  void countersExistBeforeTheFirstEventSoThatItsIncreaseIsSeen() {
    listener(outbox);

    assertThat(value("outbox_relay_events_delivered_total")).isEqualTo("0.0");
    for (Verdict.Kind kind : Verdict.Kind.values()) {
      assertThat(value("outbox_relay_send_errors_total", "kind=\"" + kind.label() + "\""))
          .isEqualTo("0.0");
    }
    for (DeadLetterReason reason : DeadLetterReason.values()) {
      assertThat(value("outbox_relay_dead_letters_total", "reason=\"" + reason.label() + "\""))
          .isEqualTo("0.0");
    }
  }

  @Test
  void whenTheCountersBeganIsTold() {
    long before = System.currentTimeMillis();
    listener(outbox);
    double since = Double.parseDouble(value("outbox_relay_counted_since_timestamp_seconds"));

    assertThat(since).isBetween(before / 1e3, System.currentTimeMillis() / 1e3);
    metrics.gone(outbox);
    assertThat(lines("outbox_relay_counted_since_timestamp_seconds")).isEmpty();
  }

  @Test
  void anOutboxIsToldByItsIdentityAndNotByTheOneThatWasThereBefore() {
    AtomicReference<PipelineStatus> status = new AtomicReference<>(Statuses.idle(outbox, 0));
    metrics.watch(outbox, status::get);
    assertThat(lines("outbox_relay_outbox_info"))
        .singleElement()
        .asString()
        .contains("outbox=\"" + outbox + "\"", "outbox_id=\"" + Statuses.OUTBOX_ID + "\"")
        .endsWith(" 1");

    UUID another = new UUID(1, 2);
    status.set(Statuses.idle(outbox, another));
    assertThat(lines("outbox_relay_outbox_info"))
        .singleElement()
        .asString()
        .contains("outbox_id=\"" + another + "\"");

    metrics.gone(outbox);
    assertThat(lines("outbox_relay_outbox_info")).isEmpty();
  }

  @Test
  void gaugesAreReadWhenScraped() {
    watch(Statuses.withLag(outbox, new DeliveryState.Delivering(), 0, OptionalLong.of(2_000)));
    nanos.set(Duration.ofSeconds(3).toNanos());

    assertThat(value("outbox_relay_lag_events")).isEqualTo("2.0");
    assertThat(value("outbox_relay_lag_bytes")).isEqualTo("2048.0");
    assertThat(value("outbox_relay_inflight_events")).isEqualTo("2.0");
    assertThat(value("outbox_relay_last_delivery_timestamp_seconds")).isEqualTo("1.5");
    assertThat(value("outbox_relay_loop_tick_age_seconds")).isEqualTo("3.0");
    assertThat(value("outbox_relay_cycles")).isEqualTo("1.0");
    assertThat(value("outbox_relay_disk_used_bytes")).isEqualTo("8.388608E7");
    assertThat(Double.parseDouble(value("outbox_relay_disk_free_bytes"))).isPositive();
  }

  @Test
  void theOldestEventAgesWhileTheLoopStandsStill() {
    watch(Statuses.withLag(outbox, new DeliveryState.Delivering(), 0, OptionalLong.of(2_000)));

    assertThat(value("outbox_relay_oldest_unsent_age_seconds")).isEqualTo("3.0");
    now = now.plusSeconds(10);
    assertThat(value("outbox_relay_oldest_unsent_age_seconds")).isEqualTo("13.0");
  }

  @Test
  void anEventThatTheLoopNeverReadAgesFromItsAppend() {
    watch(Statuses.seenBehind(outbox, 7, OptionalLong.of(2_000)));

    assertThat(value("outbox_relay_oldest_unsent_age_seconds")).isEqualTo("3.0");
  }

  @Test
  void itTellsHowOldTheLookAtTheFilesIs() {
    nanos.set(Duration.ofSeconds(40).toNanos());
    watch(Statuses.idle(outbox, 0));

    assertThat(value("outbox_relay_look_age_seconds")).isEqualTo("40.0");
  }

  @Test
  void theAgeIsZeroWhenEverythingIsSettled() {
    watch(Statuses.idle(outbox, 0));

    assertThat(value("outbox_relay_oldest_unsent_age_seconds")).isEqualTo("0.0");
  }

  @Test
  void exactlyOneStateIsOneAndEveryStateHasItsSeries() {
    watch(Statuses.withLag(outbox, new DeliveryState.Delivering(), 0, OptionalLong.of(2_000)));

    assertThat(value("outbox_relay_producer_state", "state=\"delivering\"")).isEqualTo("1.0");
    assertThat(lines("outbox_relay_producer_state"))
        .hasSize(concreteStates(DeliveryState.class).size() + 1) // a barred topic's
        .filteredOn(line -> line.endsWith(" 1.0"))
        .hasSize(1);
  }

  @Test
  void everyPartOfTheRelaysOwnWorkHasASeriesThatIsOneWhileItFails() {
    AtomicReference<PipelineStatus> status = new AtomicReference<>(Statuses.idle(outbox, 0));
    metrics.watch(outbox, status::get);
    for (Part part : Part.values()) {
      assertThat(value("outbox_relay_part_failing", "part=\"" + part.label() + "\""))
          .isEqualTo("0.0");
    }
    Trouble trouble = new Trouble(new Cause.PartFailed(Part.QUARANTINE, "ENOSPC"), 1_000, 2);
    status.set(Statuses.troubled(status.get(), trouble));

    assertThat(lines("outbox_relay_part_failing"))
        .filteredOn(line -> line.endsWith(" 1.0"))
        .singleElement()
        .asString()
        .contains("part=\"quarantine\"");
  }

  @Test
  void barredTopicsAreCountedByReasonFromTheStart() {
    AtomicReference<PipelineStatus> status = new AtomicReference<>(Statuses.idle(outbox, 0));
    metrics.watch(outbox, status::get);
    List<String> before = lines("outbox_relay_topics_barred");
    assertThat(before)
        .allMatch(line -> line.endsWith(" 0.0"))
        .anyMatch(line -> line.contains("reason=\"topic-missing\""))
        .anyMatch(line -> line.contains("reason=\"refused\""))
        .noneMatch(line -> line.contains("reason=\"authentication\""));
    assertThat(value("outbox_relay_topic_barred_age_seconds")).isEqualTo("0.0");

    Trouble oldest =
        new Trouble(new Verdict.PauseTopic("t", PauseReason.TOPIC_MISSING, "none"), 2_000, 9);
    Map<PauseReason, Integer> byReason =
        Map.of(PauseReason.TOPIC_MISSING, 9_999, PauseReason.POLICY, 1);
    status.set(Statuses.barred(status.get(), new Bars(byReason, List.of(oldest))));

    assertThat(value("outbox_relay_topics_barred", "reason=\"topic-missing\"")).isEqualTo("9999.0");
    assertThat(value("outbox_relay_topics_barred", "reason=\"policy\"")).isEqualTo("1.0");
    assertThat(value("outbox_relay_topic_barred_age_seconds")).isEqualTo("3.0");
    assertThat(lines("outbox_relay_topics_barred")).hasSameSizeAs(before);
  }

  @Test
  void refusedAppendsAreThoseThatTheClientsCounted() {
    watch(
        Statuses.refusing(
            outbox, Map.of(FailureCounters.Reason.FULL, 42L, FailureCounters.Reason.BUSY, 0L)));

    assertThat(value("outbox_append_failures_total", "reason=\"full\"")).isEqualTo("42.0");
    assertThat(value("outbox_append_failures_total", "reason=\"busy\"")).isEqualTo("0.0");
  }

  @Test
  void everySeriesOfAnOutboxNamesIt() {
    listener(outbox);
    watch(Statuses.idle(outbox, 0));

    assertThat(metrics.scrape(false).lines())
        .filteredOn(line -> line.startsWith("outbox_"))
        .isNotEmpty()
        .allMatch(line -> line.contains("outbox=\"" + outbox + "\""));
  }

  private static Set<Class<?>> concreteStates(Class<?> type) {
    if (!Modifier.isInterface(type.getModifiers())) {
      return Set.of(type);
    }
    return Arrays.stream(type.getPermittedSubclasses())
        .flatMap(subtype -> concreteStates(subtype).stream())
        .collect(Collectors.toSet());
  }

  private FactListener listener(Path of) {
    Counts counts = new Counts(() -> now);
    return FactListener.all(counts, metrics.listener(of, counts));
  }

  private void watch(PipelineStatus status) {
    metrics.watch(outbox, () -> status);
  }

  private String value(String name, String... labels) {
    String line =
        lines(name).stream()
            .filter(candidate -> Stream.of(labels).allMatch(candidate::contains))
            .findFirst()
            .orElseThrow(() -> new AssertionError(name + " is not in\n" + metrics.scrape(false)));
    return line.substring(line.lastIndexOf(' ') + 1);
  }

  private java.util.List<String> lines(String name) {
    return metrics
        .scrape(false)
        .lines()
        .filter(line -> line.startsWith(name + "{") || line.startsWith(name + " "))
        .toList();
  }

  @Test
  void whetherTheConfigurationOfTheFilesIsInUseIsSeen() {
    watch(Statuses.idle(outbox, 0));
    String successful = "outbox_relay_config_last_reload_successful{outbox=\"" + outbox + "\"} ";
    assertThat(metrics.scrape(false)).contains(successful + "1.0\n");
    metrics.looked(new Outcome(new TreeSet<>(), Optional.of("no such file")), false);
    assertThat(metrics.scrape(false)).contains(successful + "0.0\n");
    metrics.looked(new Outcome(new TreeSet<>(), Optional.empty()), false);
    assertThat(metrics.scrape(false)).contains(successful + "1.0\n");
  }

  @Test
  void whatIsParkedIsCountedWithoutASeriesOfEachTopic() {
    AtomicReference<PipelineStatus> status = new AtomicReference<>(Statuses.idle(outbox, 0));
    FactListener listener = listener(outbox);
    metrics.watch(outbox, status::get);
    int before = lines("outbox_relay").size();
    assertThat(value("outbox_relay_parked_events")).isEqualTo("0.0");
    assertThat(value("outbox_relay_oldest_parked_age_seconds")).isEqualTo("0.0");
    assertThat(value("outbox_relay_events_parked_total")).isEqualTo("0.0");

    listener.tell(new Fact.Parked("t", 100));
    List<Held.Topic> largest = List.of(new Held.Topic("t", 7, 700), new Held.Topic("u", 2, 200));
    status.set(
        Statuses.parked(
            status.get(), new Held(10_000, 12, 1_200, largest, OptionalLong.of(2_000))));

    assertThat(value("outbox_relay_parked_topics")).isEqualTo("10000.0");
    assertThat(value("outbox_relay_parked_events")).isEqualTo("12.0");
    assertThat(value("outbox_relay_parked_bytes")).isEqualTo("1200.0");
    assertThat(value("outbox_relay_oldest_parked_age_seconds")).isEqualTo("3.0");
    assertThat(value("outbox_relay_events_parked_total")).isEqualTo("1.0");
    assertThat(lines("outbox_relay")).hasSize(before);
  }
}
