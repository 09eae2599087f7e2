package dev.outboxrelay.relay.kafka;

import dev.outboxrelay.client.record.RecordLimits;
import dev.outboxrelay.relay.kafka.settings.KafkaSettings;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.DescribeClusterResult;
import org.apache.kafka.clients.admin.DescribeTopicsOptions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.QuorumInfo;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicPartitionInfo;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/** Asks a cluster about itself and its topics, with the settings that the producer has. */
public final class KafkaAdmin implements AutoCloseable {
  /** A broker answers at once. */
  private static final Duration PEER_PATIENCE = Duration.ofSeconds(1);

  private final Admin admin;
  private final String bootstrapServers;

  private KafkaAdmin(Admin admin, String bootstrapServers) {
    this.admin = admin;
    this.bootstrapServers = bootstrapServers;
  }

  /**
   * What a cluster says about itself.
   *
   * @param id its cluster id
   * @param addresses of its brokers, as they tell them
   * @param millis what time it is there, milliseconds since the epoch; empty if that can't be seen
   * @param requestMaxBytes what all brokers take in a request; empty if we may not read it
   */
  public record Cluster(
      String id, List<String> addresses, OptionalLong millis, OptionalLong requestMaxBytes) {}

  /**
   * Makes a client, which connects when it is first asked, and not to strangers.
   *
   * @param timeout for each answer
   * @throws KafkaRefused if the settings are of no use
   */
  public static KafkaAdmin open(KafkaSettings settings, Duration timeout) {
    Bootstrap bootstrap = new OtherSide(Optional.empty(), PEER_PATIENCE).look(settings);
    if (bootstrap.refusal() != null) {
      throw new KafkaRefused(bootstrap.complaint(), null);
    }
    try {
      Map<String, Object> properties = new HashMap<>(bootstrap.usable().producerProperties());
      properties.keySet().retainAll(AdminClientConfig.configNames());
      int millis = Math.toIntExact(timeout.toMillis());
      properties.put(AdminClientConfig.CLIENT_ID_CONFIG, "outbox-relay-admin");
      properties.put(AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, millis);
      properties.put(AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG, millis);
      // The producer's means for ever; here it is the timeout that ends the attempts.
      properties.remove(AdminClientConfig.RETRIES_CONFIG);
      return new KafkaAdmin(Admin.create(properties), settings.bootstrapServers());
    } catch (KafkaException e) {
      throw new KafkaRefused("Kafka's client can't be made: " + KafkaRefused.rootMessage(e), e);
    }
  }

  /** Asks for the cluster. */
  public Cluster cluster() {
    DescribeClusterResult result = admin.describeCluster();
    String id = answer("describe the cluster", result.clusterId());
    Collection<Node> nodes = answer("describe the cluster", result.nodes());
    List<String> addresses =
        nodes.stream()
            .map(node -> node.host() + ":" + node.port())
            .sorted()
            .collect(Collectors.toList());
    return new Cluster(id, addresses, millis(), requestMaxBytes(nodes));
  }

  private OptionalLong requestMaxBytes(Collection<Node> nodes) {
    List<ConfigResource> brokers =
        nodes.stream()
            .map(node -> new ConfigResource(ConfigResource.Type.BROKER, node.idString()))
            .collect(Collectors.toList());
    try {
      return admin.describeConfigs(brokers).all().get().values().stream()
          .mapToLong(config -> number(config, "socket.request.max.bytes", Long.MAX_VALUE))
          .min();
    } catch (ExecutionException e) {
      // Needs a right that delivery does not need.
      return OptionalLong.empty();
    } catch (InterruptedException e) {
      throw interrupted(e);
    }
  }

  /** A controller calls itself caught up at the very time of its answer. */
  private OptionalLong millis() {
    try {
      QuorumInfo quorum = admin.describeMetadataQuorum().quorumInfo().get();
      return quorum.voters().stream()
          .filter(voter -> voter.replicaId() == quorum.leaderId())
          .findFirst()
          .map(QuorumInfo.ReplicaState::lastCaughtUpTimestamp)
          .orElse(OptionalLong.empty());
    } catch (ExecutionException e) {
      // Needs a right that delivery does not need.
      return OptionalLong.empty();
    } catch (InterruptedException e) {
      throw interrupted(e);
    }
  }

  /** Asks for topics, in the order given; each one answers for itself. */
  public List<TopicFinding> describe(Collection<String> names) {
    Map<String, KafkaFuture<TopicDescription>> descriptions =
        admin
            .describeTopics(names, new DescribeTopicsOptions().includeAuthorizedOperations(true))
            .topicNameValues();
    Map<ConfigResource, KafkaFuture<Config>> configs =
        admin
            .describeConfigs(names.stream().map(KafkaAdmin::resource).collect(Collectors.toList()))
            .values();
    List<TopicFinding> findings = new ArrayList<>();
    for (String name : names) {
      findings.add(finding(name, descriptions.get(name), configs.get(resource(name))));
    }
    return findings;
  }

  /**
   * Creates a topic.
   *
   * @param partitions empty for the broker's default
   * @param replication empty for the broker's default
   * @return false if it exists already
   */
  public boolean create(String name, Optional<Integer> partitions, Optional<Short> replication) {
    try {
      admin
          .createTopics(List.of(new NewTopic(name, partitions, replication)))
          .values()
          .get(name)
          .get();
      return true;
    } catch (ExecutionException e) {
      if (e.getCause() instanceof TopicExistsException) {
        return false;
      }
      throw refused("create topic " + name, e);
    } catch (InterruptedException e) {
      throw interrupted(e);
    }
  }

  @Override
  public void close() {
    admin.close(Duration.ZERO);
  }

  private TopicFinding finding(
      String name, KafkaFuture<TopicDescription> description, KafkaFuture<Config> config) {
    TopicDescription topic;
    if (RecordLimits.INTERNAL_TOPICS.contains(name)) { // before they exist, too
      return new TopicFinding.Internal(name);
    }
    try {
      topic = description.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof UnknownTopicOrPartitionException) {
        return new TopicFinding.Missing(name);
      } else if (e.getCause() instanceof org.apache.kafka.common.errors.AuthorizationException) {
        return new TopicFinding.Forbidden(name, KafkaRefused.rootMessage(e));
      } else if (e.getCause() instanceof org.apache.kafka.common.errors.InvalidTopicException) {
        return new TopicFinding.Refused(name, KafkaRefused.rootMessage(e));
      }
      throw refused("describe topic " + name, e);
    } catch (InterruptedException e) {
      throw interrupted(e);
    }
    if (topic.isInternal()) {
      return new TopicFinding.Internal(name);
    }
    if (topic.authorizedOperations() != null
        && !topic.authorizedOperations().contains(AclOperation.WRITE)
        && !topic.authorizedOperations().contains(AclOperation.ALL)) {
      return new TopicFinding.Forbidden(name, "no right to Write");
    }
    int leaderless = 0;
    int replication = Integer.MAX_VALUE;
    int inSync = Integer.MAX_VALUE;
    for (TopicPartitionInfo partition : topic.partitions()) {
      leaderless += partition.leader() == null || partition.leader().isEmpty() ? 1 : 0;
      replication = Math.min(replication, partition.replicas().size());
      inSync = Math.min(inSync, partition.isr().size());
    }
    return new TopicFinding.Found(
        name, topic.partitions().size(), replication, inSync, leaderless, limits(config));
  }

  /** Empty if we may not read them. */
  private static Optional<TopicFinding.Limits> limits(KafkaFuture<Config> future) {
    try {
      Config config = future.get();
      return Optional.of(
          new TopicFinding.Limits(
              number(config, "retention.ms", -1),
              number(config, "max.message.bytes", Long.MAX_VALUE),
              (int) number(config, "min.insync.replicas", 1),
              number(config, "message.timestamp.before.max.ms", Long.MAX_VALUE),
              number(config, "message.timestamp.after.max.ms", Long.MAX_VALUE),
              value(config, "cleanup.policy").contains("compact"),
              value(config, "message.timestamp.type").equals("LogAppendTime")));
    } catch (ExecutionException e) {
      return Optional.empty();
    } catch (InterruptedException e) {
      throw interrupted(e);
    }
  }

  private static long number(Config config, String name, long fallback) {
    String value = value(config, name);
    return value.isEmpty() ? fallback : Long.parseLong(value);
  }

  private static String value(Config config, String name) {
    ConfigEntry entry = config.get(name);
    return entry == null || entry.value() == null ? "" : entry.value();
  }

  private static ConfigResource resource(String topic) {
    return new ConfigResource(ConfigResource.Type.TOPIC, topic);
  }

  private <T> T answer(String what, KafkaFuture<T> future) {
    try {
      return future.get();
    } catch (ExecutionException e) {
      throw refused(what, e);
    } catch (InterruptedException e) {
      throw interrupted(e);
    }
  }

  private KafkaRefused refused(String what, ExecutionException e) {
    return new KafkaRefused(
        "can't " + what + " at " + bootstrapServers + ": " + KafkaRefused.rootMessage(e.getCause()),
        e.getCause());
  }

  private static KafkaRefused interrupted(InterruptedException e) {
    Thread.currentThread().interrupt();
    return new KafkaRefused("interrupted", e);
  }
}
