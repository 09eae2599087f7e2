package dev.outboxrelay.relay.metrics;

import dev.outboxrelay.relay.fact.CopyResult;
import dev.outboxrelay.relay.fact.Counts;
import dev.outboxrelay.relay.fact.DeadLetterReason;
import dev.outboxrelay.relay.fact.Discard;
import dev.outboxrelay.relay.fact.Fact;
import dev.outboxrelay.relay.fact.FactListener;
import dev.outboxrelay.relay.fact.Part;
import dev.outboxrelay.relay.fact.Verdict;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import java.util.function.ToLongFunction;

/**
 * Shows the counts of one outbox, and measures how late its events are. Counters exist from the
 * start, at 0, so that the first increase is seen as one; when that was is told, too, as a counter
 * may have risen before it is scraped for the first time.
 */
final class DeliveryCounters implements FactListener {
  /**
   * Fine where a healthy relay is, then the limits that people set for an outage, in minutes;
   * beyond the last the age of the oldest event tells more. Each is a series of every outbox.
   */
  private static final Duration[] LATENCIES = {
    Duration.ofMillis(1),
    Duration.ofMillis(5),
    Duration.ofMillis(10),
    Duration.ofMillis(25),
    Duration.ofMillis(50),
    Duration.ofMillis(100),
    Duration.ofMillis(250),
    Duration.ofMillis(500),
    Duration.ofSeconds(1),
    Duration.ofSeconds(5),
    Duration.ofSeconds(15),
    Duration.ofMinutes(1),
    Duration.ofMinutes(2),
    Duration.ofMinutes(5),
    Duration.ofMinutes(15),
    Duration.ofHours(1),
    Duration.ofHours(6)
  };

  private final MeterRegistry registry;
  private final String outbox;
  private final Counts counts;
  private final Timer latency;

  DeliveryCounters(MeterRegistry registry, String outbox, Counts counts) {
    this.registry = registry;
    this.outbox = outbox;
    this.counts = counts;
    double since = registry.config().clock().wallTime() / 1000.0;
    Gauge.builder("outbox.relay.counted.since.timestamp.seconds", () -> since)
        .description("When the counters of this outbox began at 0")
        .tag("outbox", outbox)
        .register(registry);
    latency =
        Timer.builder("outbox.relay.delivery.latency")
            .description("From an event's append to Kafka's ack")
            .tag("outbox", outbox)
            .serviceLevelObjectives(LATENCIES)
            .register(registry);
    counter("events.delivered", "Events that Kafka acked", Counts::delivered);
    counter("bytes.delivered", "Their size in the queue", Counts::deliveredBytes);
    counter("events.parked", "Events that went to their topics' lanes", Counts::parked);
    counter("retries", "Events that a rewind made the relay send again", Counts::retried);
    for (Verdict.Kind kind : Verdict.Kind.values()) {
      counter(
          "send.errors",
          "Sends that failed, by what the relay did about it",
          all -> all.sendErrors(kind),
          "kind",
          kind.label());
    }
    for (DeadLetterReason reason : DeadLetterReason.values()) {
      counter(
          "dead.letters",
          "Events moved to the dead letters",
          all -> all.deadLetters(reason),
          "reason",
          reason.label());
    }
    for (Discard why : Discard.values()) {
      counter(
          "discarded",
          "Events given up for good, and not kept",
          all -> all.discarded(why),
          "why",
          why.label());
    }
    for (CopyResult result : CopyResult.values()) {
      counter(
          "dead.letter.copies",
          "Dead letters that were to be copied to their topic",
          all -> all.copies(result),
          "result",
          result.label());
    }
    counter("corrupt.records", "Corrupt records and regions set aside", Counts::quarantined);
    counter("missing.sequences", "Sequences that no record carries", Counts::missing);
    counter(
        "out.of.sequence.records",
        "Records whose sequence was not the next one",
        Counts::outOfSequence);
    counter(
        "cluster.changes",
        "Times that another cluster was found at Kafka's address",
        Counts::clusterChanges);
    counter("standstills", "Times that the reader met damaged data", Counts::standstills);
    counter("checkpoints", "Positions saved to stable storage", Counts::positionsSaved);
    counter("checkpoint.failures", "Positions not saved", all -> all.failures(Part.POSITION));
    counter(
        "job.failures",
        "Other work that failed and is tried again, like dead letters, quarantine, deletions",
        DeliveryCounters::jobFailures);
    counter("cycle.deletions", "Deletions of settled cycle files", Counts::deletions);
  }

  private static long jobFailures(Counts counts) {
    return Arrays.stream(Part.values())
        .filter(part -> part != Part.POSITION)
        .mapToLong(counts::failures)
        .sum();
  }

  private void counter(
      String name, String description, ToLongFunction<Counts> count, String... tags) {
    // The registry holds its object weakly, its function not.
    Counts held = counts;
    FunctionCounter.builder("outbox.relay." + name, held, any -> count.applyAsLong(held))
        .description(description)
        .tag("outbox", outbox)
        .tags(tags)
        .register(registry);
  }

  @Override
  public void tell(Fact fact) {
    if (fact instanceof Fact.Delivered event) {
      latency.record(event.latencyMillis(), TimeUnit.MILLISECONDS);
    }
  }
}
