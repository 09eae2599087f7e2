package dev.outboxrelay.relay.kafka;

import java.util.Optional;

/** What a cluster says about one topic. */
public sealed interface TopicFinding {
  /** The topic's name. */
  String name();

  /** There is no such topic. */
  record Missing(String name) implements TopicFinding {}

  /** We may not describe it, or not write to it. */
  record Forbidden(String name, String error) implements TopicFinding {}

  /** Kafka refuses the name. */
  record Refused(String name, String error) implements TopicFinding {}

  /** Kafka keeps it for itself, and refuses what others send there. */
  record Internal(String name) implements TopicFinding {}

  /**
   * It exists and can be written.
   *
   * @param partitions how many
   * @param replication of the partition that has the fewest replicas
   * @param inSync of the partition that has the fewest replicas in sync now
   * @param leaderless partitions that have no leader now
   * @param limits empty if we may not read the topic's configuration
   */
  record Found(
      String name,
      int partitions,
      int replication,
      int inSync,
      int leaderless,
      Optional<Limits> limits)
      implements TopicFinding {}

  /**
   * What bears on an outbox's events.
   *
   * @param retentionMillis −1 = unlimited
   * @param maxMessageBytes of a batch, after compression
   * @param minInsyncReplicas that must have a record before it is acked
   * @param timestampBeforeMaxMillis how old a record may be at most
   * @param timestampAfterMaxMillis how far in the broker's future a record may be at most
   * @param compacted whether records without key are refused
   * @param logAppendTime whether the broker's clock replaces the records' timestamps
   */
  record Limits(
      long retentionMillis,
      long maxMessageBytes,
      int minInsyncReplicas,
      long timestampBeforeMaxMillis,
      long timestampAfterMaxMillis,
      boolean compacted,
      boolean logAppendTime) {}
}
