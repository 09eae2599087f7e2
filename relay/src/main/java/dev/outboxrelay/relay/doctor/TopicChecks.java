package dev.outboxrelay.relay.doctor;

import dev.outboxrelay.relay.config.RecordTimestamp;
import dev.outboxrelay.relay.inspect.Backlog;
import dev.outboxrelay.relay.kafka.TopicFinding;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Whether a topic takes and keeps what waits for it. */
public final class TopicChecks {
  private final RecordTimestamp recordTimestamp;
  private final Clock clock;

  /**
   * Makes the checks.
   *
   * @param recordTimestamp what the relay sends as the records' timestamp
   */
  public TopicChecks(RecordTimestamp recordTimestamp, Clock clock) {
    this.recordTimestamp = recordTimestamp;
    this.clock = clock;
  }

  /** At least one finding, named {@code topic}. */
  public List<Finding> findings(TopicFinding topic, Backlog backlog) {
    if (topic instanceof TopicFinding.Found found) {
      return found(found, Optional.ofNullable(backlog.topics().get(topic.name())));
    }
    return List.of(unusable(topic));
  }

  private static Finding unusable(TopicFinding topic) {
    String name = topic.name();
    if (topic instanceof TopicFinding.Forbidden forbidden) {
      return Finding.problem(
          "topic",
          name + ": " + forbidden.error(),
          "grant the relay's user Write and Describe on topic " + name);
    } else if (topic instanceof TopicFinding.Refused refused) {
      return Finding.problem(
          "topic",
          name + ": " + refused.error(),
          "no topic can have this name: see inspect --topic");
    }
    return Finding.problem(
        "topic",
        name + " does not exist; its events wait, and those behind them",
        "create it: topics create " + name);
  }

  private List<Finding> found(TopicFinding.Found topic, Optional<Backlog.Topic> waiting) {
    List<Finding> findings = new ArrayList<>();
    if (topic.leaderless() > 0) {
      findings.add(
          Finding.problem(
              "topic",
              topic.name() + ": " + topic.leaderless() + " partitions have no leader",
              "bring the brokers back that hold them"));
    }
    topic.limits().ifPresent(limits -> findings.addAll(limits(topic, limits, waiting)));
    if (findings.isEmpty()) {
      findings.add(
          Finding.ok(
              "topic",
              topic.name()
                  + ", partitions: "
                  + topic.partitions()
                  + ", replicas: "
                  + topic.replication()
                  + (topic.limits().isPresent() ? "" : " (its configuration may not be read)")));
    }
    return findings;
  }

  private List<Finding> limits(
      TopicFinding.Found topic, TopicFinding.Limits limits, Optional<Backlog.Topic> waiting) {
    List<Finding> findings = new ArrayList<>();
    if (topic.replication() < limits.minInsyncReplicas()) {
      findings.add(
          Finding.problem(
              "topic",
              topic.name()
                  + ": min.insync.replicas="
                  + limits.minInsyncReplicas()
                  + " can never be met with "
                  + topic.replication()
                  + " replicas",
              "add replicas or lower min.insync.replicas"));
    }
    waiting.ifPresent(
        backlog -> {
          checkAge(topic.name(), limits, backlog).ifPresent(findings::add);
          checkSize(topic.name(), limits, backlog).ifPresent(findings::add);
          checkKeys(topic.name(), limits, backlog).ifPresent(findings::add);
        });
    return findings;
  }

  private Optional<Finding> checkAge(
      String topic, TopicFinding.Limits limits, Backlog.Topic waiting) {
    if (recordTimestamp == RecordTimestamp.SEND || limits.logAppendTime()) {
      return Optional.empty();
    }
    long age = clock.millis() - waiting.oldestTimestamp();
    String oldest = topic + ": the oldest event that waits is " + text(age) + " old, ";
    if (age > limits.timestampBeforeMaxMillis()) {
      return Optional.of(
          Finding.problem(
              "topic",
              oldest
                  + "message.timestamp.before.max.ms="
                  + limits.timestampBeforeMaxMillis()
                  + ": Kafka will refuse it, and it becomes a dead letter",
              "raise that setting of the topic, or set OUTBOX_RECORD_TIMESTAMP=send"));
    }
    if (limits.retentionMillis() >= 0 && age > limits.retentionMillis()) {
      return Optional.of(
          Finding.warning(
              "topic",
              oldest
                  + "retention.ms="
                  + limits.retentionMillis()
                  + ": Kafka may delete it as soon as it has it",
              "raise retention.ms, or set OUTBOX_RECORD_TIMESTAMP=send"));
    }
    return Optional.empty();
  }

  /** A record on disk is a little larger than in a batch, so a hit is likely but not certain. */
  private static Optional<Finding> checkSize(
      String topic, TopicFinding.Limits limits, Backlog.Topic waiting) {
    if (waiting.largestRecord() <= limits.maxMessageBytes()) {
      return Optional.empty();
    }
    return Optional.of(
        Finding.warning(
            "topic",
            topic
                + ": an event of about "
                + waiting.largestRecord()
                + " bytes waits, max.message.bytes="
                + limits.maxMessageBytes()
                + ": it may become a dead letter",
            "raise max.message.bytes of the topic"));
  }

  private static Optional<Finding> checkKeys(
      String topic, TopicFinding.Limits limits, Backlog.Topic waiting) {
    if (!limits.compacted() || waiting.withoutKey() == 0) {
      return Optional.empty();
    }
    return Optional.of(
        Finding.problem(
            "topic",
            topic
                + ": it is compacted, and "
                + waiting.withoutKey()
                + " events without a key wait: Kafka will refuse them, and they become dead letters",
            "append with a key, or change cleanup.policy of the topic"));
  }

  private static String text(long millis) {
    Duration age = Duration.ofMillis(millis);
    return age.toHours() >= 48 ? age.toDays() + " days" : age.toSeconds() + " s";
  }
}
