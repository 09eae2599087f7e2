package dev.outboxrelay.relay.fact;

/** What an operator has to mend before delivery goes on. */
public enum PauseReason {
  TOPIC_MISSING("topic-missing", "create the topic"),
  TOPIC_FORBIDDEN("topic-forbidden", "grant the relay's user Write and Describe on the topic"),
  TOPIC_INVALID("topic-invalid", "Kafka refuses the topic's name"),
  PARTITION_MISSING(
      "partition-missing",
      "add partitions to the topic; the relay sees them within KAFKA_METADATA_MAX_AGE_MS"),
  NO_LEADER("no-leader", "bring back the brokers that have the topic's partitions"),
  NO_ACK(
      "no-ack",
      "see whether the topic's partitions have their leaders and enough in-sync replicas"
          + " (min.insync.replicas): other topics are acked"),
  LANE(
      "lane",
      "mend what the error names: what is parked of the topic, and newer events of it, wait until its"
          + " lane delivers"),
  POLICY("policy", "the broker's policy refuses the records of this topic"),
  AUTHENTICATION("authentication", "check user, password or certificates"),
  AUTHORIZATION(
      "authorization",
      "grant the relay's user Write on its topics; without that on any, and before Kafka 2.8 in any"
          + " case, brokers want IdempotentWrite on the cluster"),
  UNSUPPORTED_VERSION("unsupported-version", "the brokers are too old for this client"),
  CONFIGURATION("configuration", "check the KAFKA_ settings and the files that they name"),
  WRONG_CLUSTER(
      "wrong-cluster",
      "bring the right cluster back to this address, or set OUTBOX_CLUSTER_ID to the one there"),
  FOREIGN_PEER(
      "foreign-peer",
      "check KAFKA_BOOTSTRAP_SERVERS and KAFKA_SECURITY_PROTOCOL, and what listens there"),
  REFUSED(
      "refused",
      "mend what the error names; if the events are to become dead letters, set"
          + " OUTBOX_REFUSALS_IN_A_ROW=0 until they are");

  private final String label;
  private final String wayOut;

  PauseReason(String label, String wayOut) {
    this.label = label;
    this.wayOut = wayOut;
  }

  /** A stable name for metrics, status and logs. */
  public String label() {
    return label;
  }

  /** What to do, for a person. */
  public String wayOut() {
    return wayOut;
  }

  /** Whether it may bar a single topic; else it keeps the relay from writing any. */
  public boolean barsTopics() {
    return switch (this) {
      case AUTHENTICATION,
          AUTHORIZATION,
          UNSUPPORTED_VERSION,
          CONFIGURATION,
          WRONG_CLUSTER,
          FOREIGN_PEER ->
          false;
      default -> true;
    };
  }
}
