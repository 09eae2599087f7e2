package dev.outboxrelay.relay.doctor;

import dev.outboxrelay.relay.config.RecordTimestamp;
import dev.outboxrelay.relay.inspect.Backlog;
import dev.outboxrelay.relay.kafka.TopicFinding;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Function;

/** Whether a topic takes and keeps what waits for it. */
final class TopicChecks {
  /** Topic and fixed fields are in the queue, and not in a batch. */
  private static final int OVERHEAD_ON_DISK = 400;

  private final RecordTimestamp recordTimestamp;
  private final boolean compressed;
  private final Clock clock;
  private final OptionalLong requestMaxBytes;

  /**
   * Makes the checks.
   *
   * @param recordTimestamp what the relay sends as the records' timestamp
   * @param compressed whether it compresses
   * @param clock the brokers' as far as it is known: they judge
   * @param requestMaxBytes what the brokers take in a request; empty if that is not known
   */
  TopicChecks(
      RecordTimestamp recordTimestamp,
      boolean compressed,
      Clock clock,
      OptionalLong requestMaxBytes) {
    this.recordTimestamp = recordTimestamp;
    this.compressed = compressed;
    this.clock = clock;
    this.requestMaxBytes = requestMaxBytes;
  }

  /** At least one finding, named {@code topic}. */
  List<Finding> findings(TopicFinding topic, Backlog backlog) {
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
    if (topic instanceof TopicFinding.Internal) {
      return Finding.problem(
          "topic",
          name + " is Kafka's own: what others send there becomes a dead letter",
          "nothing that was appended for it can be delivered; find out who did that with"
              + " inspect --topic "
              + name);
    }
    return Finding.problem(
        "topic", name + " does not exist; its events wait", "create it: topics create " + name);
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
    waiting.flatMap(backlog -> checkPartition(topic, backlog)).ifPresent(findings::add);
    waiting.flatMap(backlog -> checkRequest(topic.name(), backlog)).ifPresent(findings::add);
    topic.limits().ifPresent(limits -> findings.addAll(limits(topic, limits, waiting)));
    if (findings.isEmpty() && topic.limits().isEmpty()) {
      findings.add(
          Finding.warning(
              "topic",
              topic.name()
                  + " is there, but its configuration may not be read: whether it takes"
                  + " what waits is not known",
              "grant the relay's user DescribeConfigs on topic " + topic.name()));
    } else if (findings.isEmpty()) {
      findings.add(
          Finding.ok(
              "topic",
              topic.name()
                  + ", partitions: "
                  + topic.partitions()
                  + ", replicas: "
                  + topic.replication()));
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
    } else if (topic.inSync() < limits.minInsyncReplicas()) {
      findings.add(
          Finding.problem(
              "topic",
              topic.name()
                  + ": a partition has "
                  + topic.inSync()
                  + " replicas in sync, min.insync.replicas="
                  + limits.minInsyncReplicas(),
              "bring the brokers back that hold the others; events wait meanwhile"));
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
    long ahead = waiting.newestTimestamp() - clock.millis();
    if (ahead > limits.timestampAfterMaxMillis()) {
      return Optional.of(
          Finding.warning(
              "topic",
              topic
                  + ": an event waits whose time is "
                  + text(ahead)
                  + " in the future, message.timestamp.after.max.ms="
                  + limits.timestampAfterMaxMillis()
                  + ": it gets the present time in Kafka, and its own in the header"
                  + " outbox-timestamp",
              "set the host's clock right, or raise that setting of the topic"));
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

  private static Optional<Finding> checkPartition(TopicFinding.Found topic, Backlog.Topic waiting) {
    if (waiting.highestPartition() < topic.partitions()) {
      return Optional.empty();
    }
    return Optional.of(
        Finding.problem(
            "topic",
            topic.name()
                + ": an event names partition "
                + waiting.highestPartition()
                + ", the topic has "
                + topic.partitions()
                + ": it waits, and what comes for the topic after it",
            "add partitions to the topic"));
  }

  private Optional<Finding> checkSize(
      String topic, TopicFinding.Limits limits, Backlog.Topic waiting) {
    return checkLargest(
        topic,
        waiting,
        limits.maxMessageBytes(),
        "max.message.bytes",
        certain -> certain ? "it becomes a dead letter" : "it may become a dead letter",
        "raise max.message.bytes of the topic");
  }

  /** A broker ends the connection at a request that is too large, and says nothing. */
  private Optional<Finding> checkRequest(String topic, Backlog.Topic waiting) {
    return checkLargest(
        topic,
        waiting,
        requestMaxBytes.orElse(Long.MAX_VALUE),
        "the brokers' socket.request.max.bytes",
        certain ->
            (certain ? "it" : "it may be that it")
                + " can't be delivered, and what is behind it waits",
        "raise socket.request.max.bytes of the brokers");
  }

  /** A record on disk is a little larger than in a batch, and compression may make it smaller. */
  private Optional<Finding> checkLargest(
      String topic,
      Backlog.Topic waiting,
      long most,
      String setting,
      Function<Boolean, String> consequence,
      String advice) {
    if (waiting.largestRecord() <= most) {
      return Optional.empty();
    }
    boolean certain = !compressed && waiting.largestRecord() - OVERHEAD_ON_DISK > most;
    return Optional.of(
        new Finding(
            "topic",
            certain ? Finding.Grade.PROBLEM : Finding.Grade.WARNING,
            topic
                + ": an event of about "
                + waiting.largestRecord()
                + " bytes waits, "
                + setting
                + "="
                + most
                + ": "
                + consequence.apply(certain),
            advice));
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
