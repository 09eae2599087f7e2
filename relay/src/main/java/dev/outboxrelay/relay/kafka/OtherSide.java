package dev.outboxrelay.relay.kafka;

import dev.outboxrelay.relay.fact.PauseReason;
import dev.outboxrelay.relay.fact.Verdict;
import dev.outboxrelay.relay.kafka.settings.KafkaSettings;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.kafka.clients.ClientUtils;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.PartitionInfo;

/** Who is let near the producer: brokers only, and if one is named only those of one cluster. */
public final class OtherSide {
  private final Optional<String> clusterId;
  private final Duration patience;

  /** Found to be brokers, by address as brokers advertise it. */
  private final Set<String> brokers = ConcurrentHashMap.newKeySet();

  /**
   * Knows what is expected.
   *
   * @param clusterId the only cluster to deliver to; empty for whichever answers
   * @param patience for a connection, and again for each answer, when it is looked who is there
   */
  public OtherSide(Optional<String> clusterId, Duration patience) {
    this.clusterId = clusterId;
    this.patience = patience;
  }

  /** The only cluster to deliver to; empty for whichever answers. */
  Optional<String> clusterId() {
    return clusterId;
  }

  /** What it means that the brokers are of this cluster; null if they may be. */
  public Verdict judge(String id) {
    return clusterId.isEmpty() || clusterId.get().equals(id)
        ? null
        : new Verdict.PauseAll(
            PauseReason.WRONG_CLUSTER,
            "the brokers are of cluster " + id + ", OUTBOX_CLUSTER_ID is " + clusterId.get());
  }

  /**
   * Who answers at the configured addresses. A name counts as a stranger's if any of the addresses
   * that it stands for is one's, as Kafka's client tries them all. Blocks.
   */
  Bootstrap look(KafkaSettings settings) {
    Peers peers = new Peers(settings, patience);
    SortedMap<String, String> strangers = new TreeMap<>();
    for (String address : settings.bootstrapAddresses()) {
      for (InetSocketAddress each : resolve(address)) {
        peers.stranger(each).ifPresent(what -> strangers.put(address, what));
      }
    }
    return new Bootstrap(settings, strangers);
  }

  /**
   * What it means that one of the brokers that lead these partitions is none; null if none was
   * found to be something else. Each is asked once, as what they advertise may be another's port.
   */
  Verdict strangers(KafkaSettings settings, List<PartitionInfo> partitions) {
    Peers peers = new Peers(settings, patience);
    for (PartitionInfo partition : partitions) {
      Node leader = partition.leader();
      String address = leader == null ? "" : leader.host() + ":" + leader.port();
      if (leader == null || leader.isEmpty() || brokers.contains(address)) {
        continue;
      }
      Optional<String> stranger =
          peers.stranger(new InetSocketAddress(leader.host(), leader.port()));
      if (stranger.isPresent()) {
        return new Verdict.PauseAll(PauseReason.FOREIGN_PEER, address + " " + stranger.get());
      }
      brokers.add(address);
    }
    return null;
  }

  /** Whoever was a broker may have been replaced. */
  void forget() {
    brokers.clear();
  }

  /** All that a name stands for; none if it can't be resolved, which Kafka's client says better. */
  private static List<InetSocketAddress> resolve(String address) {
    try {
      return ClientUtils.parseAndValidateAddresses(List.of(address), "use_all_dns_ips");
    } catch (KafkaException e) {
      return List.of();
    }
  }
}
