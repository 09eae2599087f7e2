package dev.outboxrelay.relay.metrics;

import dev.outboxrelay.client.files.FailureCounters;
import dev.outboxrelay.relay.fact.Cause;
import dev.outboxrelay.relay.fact.Part;
import dev.outboxrelay.relay.fact.PauseReason;
import dev.outboxrelay.relay.fact.Trouble;
import dev.outboxrelay.relay.pipeline.PipelineStatus;
import dev.outboxrelay.relay.pipeline.UnsettledAge;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.MultiGauge;
import io.micrometer.core.instrument.Tags;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;

/** What is true of one outbox at the moment of the scrape. */
final class OutboxGauges {
  /** All labels that {@link dev.outboxrelay.relay.deliver.Standing} has. */
  static final List<String> STATES =
      List.of(
          "connecting",
          "probing",
          "delivering",
          "renewing",
          "stalled",
          "backing-off",
          "paused-topic",
          "paused-all",
          "draining",
          "stopped",
          "idle",
          "fenced");

  private static final double NANOS_PER_SECOND = 1e9;

  private final Path outbox;
  private final Supplier<PipelineStatus> status;
  private final Supplier<List<Trouble>> ofProcess;
  private final UnsettledAge age;
  private final LongSupplier nanoClock;
  private final MultiGauge identity;
  private volatile PipelineStatus now;
  private volatile UUID shownId;

  OutboxGauges(
      MeterRegistry registry,
      Path outbox,
      Supplier<PipelineStatus> status,
      Supplier<List<Trouble>> ofProcess,
      UnsettledAge age,
      LongSupplier nanoClock) {
    this.outbox = outbox;
    this.status = status;
    this.ofProcess = ofProcess;
    this.age = age;
    this.nanoClock = nanoClock;
    identity =
        MultiGauge.builder("outbox.relay.outbox.info")
            .description("Always 1; the identity that the outbox keeps wherever it is served")
            .tag("outbox", outbox.toString())
            .register(registry);
    refresh();
    bindTo(registry);
  }

  /** All gauges of a scrape tell of the same moment. */
  void refresh() {
    PipelineStatus at = status.get();
    now = at;
    // Another outbox may come to the same directory.
    if (!at.outboxId().equals(shownId)) {
      shownId = at.outboxId();
      identity.register(
          List.of(MultiGauge.Row.of(Tags.of("outbox_id", at.outboxId().toString()), 1)), true);
    }
  }

  private void bindTo(MeterRegistry registry) {
    gauge(registry, "lag.events", "Events appended and not settled", PipelineStatus::lagEvents);
    gauge(registry, "lag.bytes", "Bytes appended and not settled", PipelineStatus::lagBytes);
    gauge(
        registry,
        "oldest.unsent.age.seconds",
        "Age of the oldest event that is not settled, 0 if there is none",
        at -> age.millis(at) / 1000.0);
    gauge(registry, "inflight.events", "Sent and not acked yet", PipelineStatus::inFlightEvents);
    gauge(registry, "inflight.bytes", "Their size", PipelineStatus::inFlightBytes);
    gauge(
        registry,
        "last.delivery.timestamp.seconds",
        "When Kafka acked last, 0 = not since the start",
        at -> at.lastDeliveryMillis().orElse(0) / 1000.0);
    gauge(
        registry,
        "loop.tick.age.seconds",
        "Time since the delivery loop's last turn; it grows if the loop is stuck",
        at -> Math.max(0, nanoClock.getAsLong() - at.tickNanos()) / NANOS_PER_SECOND);
    gauge(registry, "appended.sequence", "Last sequence given", PipelineStatus::appendedSequence);
    gauge(
        registry,
        "settled.sequence",
        "Everything up to it is settled",
        PipelineStatus::settledSequence);
    gauge(registry, "cycles", "Cycle files in the queue", PipelineStatus::cycles);
    gauge(registry, "disk.used.bytes", "Disk space of the cycle files", PipelineStatus::queueBytes);
    gauge(
        registry,
        "disk.free.bytes",
        "Space left for the relay's user on the outbox's file system",
        at -> at.look().freeBytes() < 0 ? Double.NaN : at.look().freeBytes());
    gauge(
        registry,
        "look.age.seconds",
        "Time since the outbox's files were last looked at; it grows if its disk hangs",
        at -> Math.max(0, nanoClock.getAsLong() - at.look().atNanos()) / NANOS_PER_SECOND);
    gauge(
        registry,
        "unsynced.bytes",
        "Bytes appended and not brought to stable storage",
        at -> at.unsynced().bytes());
    gauge(
        registry,
        "unsynced.age.seconds",
        "How long the first of them has been seen, 0 if there is none",
        at -> age.since(at.unsynced().sinceMillis()) / 1000.0);
    gauge(
        registry,
        "topic.barred.age.seconds",
        "How long the topic that was barred first can't be written, 0 if there is none",
        at -> age.since(at.bars().sinceMillis()) / 1000.0);
    gauge(
        registry, "parked.topics", "Topics of which events are parked", at -> at.parked().topics());
    gauge(registry, "parked.events", "Parked and not delivered", at -> at.parked().events());
    gauge(registry, "parked.bytes", "Their size", at -> at.parked().bytes());
    gauge(
        registry,
        "oldest.parked.age.seconds",
        "Age of the oldest event that is parked, 0 if there is none",
        at -> age.since(at.parked().oldestMillis()) / 1000.0);
    gauge(
        registry,
        "dead.letters.uncopied",
        "Dead letters that are not in OUTBOX_DEAD_LETTER_TOPIC yet, 0 if there is none",
        at -> at.uncopiedLetters().orElse(0));
    for (String state : STATES) {
      Gauge.builder("outbox.relay.producer.state", () -> is(state) ? 1 : 0)
          .description("1 for the state that delivery is in")
          .tags("outbox", outbox.toString(), "state", state)
          .register(registry);
    }
    for (Part part : Part.values()) {
      Gauge.builder("outbox.relay.part.failing", () -> fails(part) ? 1 : 0)
          .description("1 while a part of the relay's own work fails; it is tried again")
          .tags("outbox", outbox.toString(), "part", part.label())
          .register(registry);
    }
    for (PauseReason reason : PauseReason.values()) {
      if (reason.barsTopics()) {
        Gauge.builder("outbox.relay.topics.barred", () -> now.bars().count(reason))
            .description("Topics that can't be written, by the reason")
            .tags("outbox", outbox.toString(), "reason", reason.label())
            .register(registry);
      }
    }
    for (FailureCounters.Reason reason : FailureCounters.Reason.values()) {
      FunctionCounter.builder("outbox.append.failures", this, gauges -> gauges.refused(reason))
          .description("Appends that the clients refused, as they count them themselves")
          .tags("outbox", outbox.toString(), "reason", label(reason))
          .register(registry);
    }
  }

  private void gauge(
      MeterRegistry registry,
      String name,
      String description,
      ToDoubleFunction<PipelineStatus> value) {
    Gauge.builder("outbox.relay." + name, () -> value.applyAsDouble(now))
        .description(description)
        .tag("outbox", outbox.toString())
        .register(registry);
  }

  private boolean is(String state) {
    return now.state().label().equals(state);
  }

  private boolean fails(Part part) {
    return Stream.concat(now.troubles().stream(), ofProcess.get().stream())
        .anyMatch(
            trouble -> trouble.cause() instanceof Cause.PartFailed failed && failed.part() == part);
  }

  private double refused(FailureCounters.Reason reason) {
    Long count = now.look().refused().get(reason);
    return count == null ? Double.NaN : count;
  }

  private static String label(FailureCounters.Reason reason) {
    return reason.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
