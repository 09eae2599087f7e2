package dev.outboxrelay.relay.kafka;

import dev.outboxrelay.relay.fact.PauseReason;
import dev.outboxrelay.relay.fact.Verdict;
import dev.outboxrelay.relay.kafka.settings.KafkaSettings;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.kafka.clients.ClientUtils;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.PartitionInfo;

/** Who is let near the producer: brokers only, and if one is named only those of one cluster. */
public final class OtherSide {
  private final Optional<String> clusterId;
  private final PeerProbe probe;

  /** Found to be brokers, by address as brokers advertise it. */
  private final Set<String> brokers = ConcurrentHashMap.newKeySet();

  /**
   * Knows what is expected.
   *
   * @param clusterId the only cluster to deliver to; empty for whichever answers
   */
  public OtherSide(Optional<String> clusterId, PeerProbe probe) {
    this.clusterId = clusterId;
    this.probe = probe;
  }

  boolean isPinned() {
    return clusterId.isPresent();
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
   * What it means that one of the configured addresses is no broker's; null if none was found to be
   * something else. Blocks.
   */
  public Verdict strangers(KafkaSettings settings) {
    Map<String, String> properties = settings.producerProperties();
    String[] addresses =
        properties.get(CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG).split(",", -1);
    for (String address : addresses) {
      Verdict verdict = stranger(address.trim(), isTls(properties));
      if (verdict != null) {
        return verdict;
      }
    }
    return null;
  }

  /**
   * The same of the brokers that lead these partitions: each is asked once, as what they advertise
   * may be another's port.
   */
  Verdict strangers(KafkaSettings settings, List<PartitionInfo> partitions) {
    boolean tls = isTls(settings.producerProperties());
    for (PartitionInfo partition : partitions) {
      Node leader = partition.leader();
      if (leader != null
          && !leader.isEmpty()
          && brokers.add(leader.host() + ":" + leader.port())
          && probe.look(leader.host(), leader.port(), tls)
              instanceof PeerProbe.Peer.Foreign foreign) {
        brokers.remove(leader.host() + ":" + leader.port());
        return foreign(leader.host() + ":" + leader.port(), foreign, tls);
      }
    }
    return null;
  }

  /** Whoever was a broker may have been replaced. */
  void forget() {
    brokers.clear();
  }

  private static Verdict foreign(String address, PeerProbe.Peer.Foreign peer, boolean tls) {
    return new Verdict.PauseAll(
        PauseReason.FOREIGN_PEER,
        address
            + " speaks "
            + peer.protocol()
            + ", not Kafka's protocol"
            + (tls ? " inside of TLS" : ""));
  }

  private static boolean isTls(Map<String, String> properties) {
    return properties
        .getOrDefault(CommonClientConfigs.SECURITY_PROTOCOL_CONFIG, "PLAINTEXT")
        .toUpperCase(Locale.ROOT)
        .endsWith("SSL");
  }

  private Verdict stranger(String address, boolean tls) {
    List<InetSocketAddress> parsed;
    try {
      parsed = ClientUtils.parseAndValidateAddresses(List.of(address), "use_all_dns_ips");
    } catch (KafkaException e) {
      return null; // Kafka's client says the same, better
    }
    for (InetSocketAddress each : parsed) {
      PeerProbe.Peer peer = probe.look(each.getHostString(), each.getPort(), tls);
      if (peer instanceof PeerProbe.Peer.Foreign foreign) {
        return foreign(address, foreign, tls);
      }
    }
    return null;
  }
}
