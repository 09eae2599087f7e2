package dev.outboxrelay.relay.metrics;

import dev.outboxrelay.relay.deliver.DeadLetterReason;
import dev.outboxrelay.relay.deliver.Verdict;
import dev.outboxrelay.relay.pipeline.PipelineListener;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * Counts what one pipeline tells. Counters exist from the start, at 0, so that the first increase
 * is seen as one.
 */
final class DeliveryCounters implements PipelineListener {
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
  private final Counter delivered;
  private final Counter deliveredBytes;
  private final Timer latency;
  private final Counter retries;
  private final Map<Verdict.Kind, Counter> sendErrors = new EnumMap<>(Verdict.Kind.class);
  private final Map<DeadLetterReason, Counter> deadLetters = new EnumMap<>(DeadLetterReason.class);
  private final Counter corrupt;
  private final Counter missing;
  private final Counter outOfSequence;
  private final Counter standstills;
  private final Counter checkpoints;
  private final Counter checkpointFailures;
  private final Counter jobFailures;
  private final Counter cyclesDeleted;

  DeliveryCounters(MeterRegistry registry, String outbox) {
    this.registry = registry;
    this.outbox = outbox;
    delivered = counter("outbox.relay.events.delivered", "Events that Kafka acked");
    deliveredBytes = counter("outbox.relay.bytes.delivered", "Their size in the queue");
    latency =
        Timer.builder("outbox.relay.delivery.latency")
            .description("From an event's append to Kafka's ack")
            .tag("outbox", outbox)
            .serviceLevelObjectives(LATENCIES)
            .register(registry);
    retries = counter("outbox.relay.retries", "Events that a rewind made the relay send again");
    for (Verdict.Kind kind : Verdict.Kind.values()) {
      sendErrors.put(
          kind,
          Counter.builder("outbox.relay.send.errors")
              .description("Sends that failed, by what the relay did about it")
              .tags("outbox", outbox, "kind", kind.label())
              .register(registry));
    }
    for (DeadLetterReason reason : DeadLetterReason.values()) {
      deadLetters.put(
          reason,
          Counter.builder("outbox.relay.dead.letters")
              .description("Events moved to the dead letters")
              .tags("outbox", outbox, "reason", reason.label())
              .register(registry));
    }
    corrupt = counter("outbox.relay.corrupt.records", "Corrupt records and regions set aside");
    missing = counter("outbox.relay.missing.sequences", "Sequences that no record carries");
    outOfSequence =
        counter(
            "outbox.relay.out.of.sequence.records", "Records whose sequence was not the next one");
    standstills = counter("outbox.relay.standstills", "Times that the reader met damaged data");
    checkpoints = counter("outbox.relay.checkpoints", "Positions saved to stable storage");
    checkpointFailures = counter("outbox.relay.checkpoint.failures", "Positions not saved");
    jobFailures =
        counter(
            "outbox.relay.job.failures",
            "Dead letters, quarantines and deletions that failed and are tried again");
    cyclesDeleted = counter("outbox.relay.cycle.deletions", "Deletions of settled cycle files");
  }

  private Counter counter(String name, String description) {
    return Counter.builder(name).description(description).tag("outbox", outbox).register(registry);
  }

  @Override
  public void delivered(String topic, int bytes, long latencyMillis) {
    delivered.increment();
    deliveredBytes.increment(bytes);
    latency.record(latencyMillis, TimeUnit.MILLISECONDS);
  }

  @Override
  public void sendFailed(Verdict verdict, String topic) {
    sendErrors.get(verdict.kind()).increment();
  }

  @Override
  public void rewound(int records) {
    retries.increment(records);
  }

  @Override
  public void deadLettered(String topic, DeadLetterReason reason, long sequence) {
    deadLetters.get(reason).increment();
  }

  @Override
  public void quarantined(long cycle, long offset, long bytes, String reason) {
    corrupt.increment();
  }

  @Override
  public void missing(long first, long last) {
    missing.increment((double) last - first + 1);
  }

  @Override
  public void outOfSequence(long sequence, long previous) {
    outOfSequence.increment();
  }

  @Override
  public void standingStill(long cycle, long offset, String reason) {
    standstills.increment();
  }

  @Override
  public void checkpointSaved(long sequence) {
    checkpoints.increment();
  }

  @Override
  public void checkpointFailed(String error) {
    checkpointFailures.increment();
  }

  @Override
  public void jobFailed(String what, String error) {
    jobFailures.increment();
  }

  @Override
  public void cycleDeleted(long cycle, long bytes) {
    cyclesDeleted.increment();
  }
}
