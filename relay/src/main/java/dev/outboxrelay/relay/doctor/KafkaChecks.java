package dev.outboxrelay.relay.doctor;

import dev.outboxrelay.relay.cluster.ClusterFile;
import dev.outboxrelay.relay.config.OutboxSelection;
import dev.outboxrelay.relay.config.RelayConfig;
import dev.outboxrelay.relay.fact.Verdict;
import dev.outboxrelay.relay.inspect.Backlog;
import dev.outboxrelay.relay.kafka.KafkaAdmin;
import dev.outboxrelay.relay.kafka.KafkaProbe;
import dev.outboxrelay.relay.kafka.KafkaRefused;
import dev.outboxrelay.relay.kafka.OtherSide;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Whether Kafka can be had, and takes what waits: all that delivery does, but sending. */
public final class KafkaChecks {
  /** Networks and two clocks are never closer. */
  private static final long NOTICEABLE_MILLIS = 60_000;

  /** Kafka's default of message.timestamp.after.max.ms. */
  private static final long REFUSED_MILLIS = 3_600_000;

  private final RelayConfig config;
  private final Clock clock;
  private final Duration timeout;

  /**
   * Makes the checks.
   *
   * @param timeout for each answer of the cluster
   */
  public KafkaChecks(RelayConfig config, Clock clock, Duration timeout) {
    this.config = config;
    this.clock = clock;
    this.timeout = timeout;
  }

  /** At least one finding. */
  public List<Finding> findings(Set<String> topics, Backlog backlog) {
    List<Finding> findings = new ArrayList<>();
    try {
      KafkaProbe.Result result = KafkaProbe.check(config.kafka(), timeout);
      findings.add(found(result.cluster()));
      otherCluster(result.cluster().id()).ifPresent(findings::add);
      for (String useless : result.useless()) {
        findings.add(
            Finding.warning("kafka", useless, "mend it or take it out of KAFKA_BOOTSTRAP_SERVERS"));
      }
      for (String unreachable : result.unreachable()) {
        findings.add(
            Finding.problem(
                "kafka",
                "a broker says that it is at (advertised.listeners) " + unreachable,
                "events for the partitions that it leads wait; let it name what this host reaches"));
      }
      Clock theirs = theirs(result.cluster(), findings);
      TopicChecks checks =
          new TopicChecks(
              config.recordTimestamp(), isCompressed(), theirs, result.cluster().requestMaxBytes());
      try (KafkaAdmin admin = KafkaAdmin.open(result.usable(), timeout)) {
        admin.describe(topics).forEach(topic -> findings.addAll(checks.findings(topic, backlog)));
      }
    } catch (KafkaRefused e) {
      findings.add(Finding.problem("kafka", e.getMessage(), KafkaAdvice.on(e.getMessage())));
      if (!topics.isEmpty()) {
        findings.add(Finding.skipped("topics", "not asked for: " + String.join(", ", topics)));
      }
    }
    return findings;
  }

  private Finding found(KafkaAdmin.Cluster cluster) {
    return Finding.ok(
        "kafka",
        "cluster "
            + cluster.id()
            + ", brokers: "
            + cluster.addresses().size()
            + ", at "
            + config.kafka().bootstrapServers());
  }

  private Optional<Finding> otherCluster(String id) {
    Verdict wrong = new OtherSide(config.clusterId(), timeout).judge(id);
    if (wrong != null) {
      return Optional.of(Finding.problem("cluster", wrong.error(), wrong.wayOut()));
    }
    if (!(config.outboxes() instanceof OutboxSelection.One one)) {
      return Optional.empty();
    }
    try {
      return new ClusterFile(one.dir())
          .read()
          .filter(before -> !before.equals(id))
          .map(
              before ->
                  Finding.warning(
                      "cluster",
                      "the outbox was delivered to cluster " + before + ", " + id + " is there now",
                      "if that is not meant, bring the former back; OUTBOX_CLUSTER_ID pins it"));
    } catch (IOException e) {
      return Optional.of(
          Finding.problem("cluster", "relay.cluster can't be read: " + e, "check rights and disk"));
    }
  }

  /** The brokers' clock, as far as it can be seen; they judge the times of events by it. */
  private Clock theirs(KafkaAdmin.Cluster cluster, List<Finding> findings) {
    if (cluster.millis().isEmpty()) {
      return clock;
    }
    long ahead = clock.millis() - cluster.millis().getAsLong();
    String detail =
        "this host's clock is "
            + Math.abs(ahead) / 1000
            + " s "
            + (ahead > 0 ? "ahead of" : "behind")
            + " the brokers'";
    if (ahead > REFUSED_MILLIS) {
      findings.add(
          Finding.problem(
              "clock",
              detail + ": Kafka refuses events from so far in the future",
              "set the clocks right; topics with message.timestamp.type=LogAppendTime take them"
                  + " meanwhile"));
    } else if (Math.abs(ahead) > NOTICEABLE_MILLIS) {
      findings.add(Finding.warning("clock", detail, "set the clocks right"));
    }
    return Clock.offset(clock, Duration.ofMillis(-ahead));
  }

  private boolean isCompressed() {
    return !config
        .kafka()
        .producerProperties()
        .getOrDefault("compression.type", "none")
        .equals("none");
  }
}
