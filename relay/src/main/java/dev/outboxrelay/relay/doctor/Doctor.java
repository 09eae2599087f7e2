package dev.outboxrelay.relay.doctor;

import dev.outboxrelay.client.OutboxUnavailable;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.record.OtherFormatFound;
import dev.outboxrelay.relay.cluster.ClusterFile;
import dev.outboxrelay.relay.config.RelayConfig;
import dev.outboxrelay.relay.fact.Verdict;
import dev.outboxrelay.relay.inspect.Backlog;
import dev.outboxrelay.relay.kafka.KafkaAdmin;
import dev.outboxrelay.relay.kafka.KafkaRefused;
import dev.outboxrelay.relay.kafka.OtherSide;
import dev.outboxrelay.relay.kafka.PeerProbe;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** Makes all checks; changes nothing. */
public final class Doctor {
  private static final long MOST_EVENTS_READ = 100_000;

  private final RelayConfig config;
  private final Clock clock;
  private final Duration kafkaTimeout;

  /**
   * Makes a doctor.
   *
   * @param kafkaTimeout for each answer of the cluster
   */
  public Doctor(RelayConfig config, Clock clock, Duration kafkaTimeout) {
    this.config = config;
    this.clock = clock;
    this.kafkaTimeout = kafkaTimeout;
  }

  /** All findings, in the order in which one would look. */
  public List<Finding> examine() {
    List<Finding> findings = new ArrayList<>();
    config
        .warnings()
        .forEach(
            warning ->
                findings.add(Finding.warning("configuration", warning, "check the spelling")));
    findings.addAll(new DirectoryChecks(config.outboxDir(), config.trustParent()).findings());

    Backlog backlog = new Backlog(java.util.Map.of(), 0, true);
    if (Files.isDirectory(config.outboxDir(), LinkOption.NOFOLLOW_LINKS)) {
      OutboxPaths paths = new OutboxPaths(config.outboxDir());
      try {
        findings.addAll(new OutboxChecks(paths, clock).findings());
        backlog = Backlog.read(paths, MOST_EVENTS_READ);
        findings.add(backlogFinding(backlog));
      } catch (OutboxUnavailable e) {
        if (OtherFormatFound.labelOf(e) == null) {
          throw e;
        }
        findings.add(
            Finding.problem(
                "format",
                e.getMessage(),
                "the relay delivers what is before it, and leaves it as it is"));
      } catch (IOException e) {
        findings.add(
            Finding.problem("queue", "can't be read: " + e, "check rights and disk, then verify"));
      }
    }
    findings.addAll(kafka(backlog));
    return findings;
  }

  private List<Finding> kafka(Backlog backlog) {
    Set<String> topics = new TreeSet<>(backlog.topics().keySet());
    config.topic().ifPresent(topics::add);
    List<Finding> findings = new ArrayList<>();
    Verdict stranger =
        new OtherSide(config.clusterId(), new PeerProbe(kafkaTimeout)).strangers(config.kafka());
    if (stranger != null) {
      return List.of(Finding.problem("kafka", stranger.error(), stranger.wayOut()));
    }
    try (KafkaAdmin admin = KafkaAdmin.open(config.kafka(), kafkaTimeout)) {
      KafkaAdmin.Cluster cluster = admin.cluster();
      findings.add(
          Finding.ok(
              "kafka",
              "cluster "
                  + cluster.id()
                  + ", brokers: "
                  + cluster.brokers()
                  + ", at "
                  + config.kafka().bootstrapServers()));
      clusterFinding(cluster.id()).ifPresent(findings::add);
      TopicChecks checks = new TopicChecks(config.recordTimestamp(), clock);
      admin.describe(topics).forEach(topic -> findings.addAll(checks.findings(topic, backlog)));
    } catch (KafkaRefused e) {
      findings.add(
          Finding.problem(
              "kafka",
              e.getMessage(),
              "check KAFKA_BOOTSTRAP_SERVERS, the network and the credentials; events wait in the"
                  + " outbox meanwhile"));
      if (!topics.isEmpty()) {
        findings.add(Finding.skipped("topics", "not asked for: " + String.join(", ", topics)));
      }
    }
    return findings;
  }

  private Optional<Finding> clusterFinding(String id) {
    Verdict wrong = new OtherSide(config.clusterId(), new PeerProbe(kafkaTimeout)).judge(id);
    if (wrong != null) {
      return Optional.of(Finding.problem("cluster", wrong.error(), wrong.wayOut()));
    }
    try {
      return new ClusterFile(config.outboxDir())
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

  private static Finding backlogFinding(Backlog backlog) {
    String more = backlog.complete() ? "" : "at least ";
    return Finding.ok(
        "backlog", more + backlog.events() + " events wait, topics: " + backlog.topics().keySet());
  }
}
