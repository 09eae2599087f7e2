package dev.outboxrelay.relay.kafka;

import dev.outboxrelay.relay.kafka.settings.KafkaSettings;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.apache.kafka.common.utils.Utils;

/** What keeps Kafka's client from talking to an address, as far as its first bytes tell. */
final class Peers {
  private final PeerProbe probe;
  private final boolean tls;
  private final boolean login;

  Peers(KafkaSettings settings, Duration timeout) {
    String protocol =
        settings
            .producerProperties()
            .getOrDefault("security.protocol", "PLAINTEXT")
            .toUpperCase(Locale.ROOT);
    this.probe = new PeerProbe(timeout);
    this.tls = protocol.endsWith("SSL");
    this.login = protocol.startsWith("SASL");
  }

  /**
   * What was found at an address.
   *
   * @param complaint empty if nothing keeps the client from talking to it
   * @param brokers where it says that the cluster's brokers are, if everybody may ask that
   */
  record Found(Optional<String> complaint, List<String> brokers) {}

  Found look(String address) {
    String host = Utils.getHost(address);
    Integer port = Utils.getPort(address);
    if (host == null || port == null) {
      return new Found(Optional.of(address + " is no address; give host:port"), List.of());
    }
    Peer peer = peer(new InetSocketAddress(host, port));
    return new Found(
        Optional.ofNullable(wrong(peer)).map(wrong -> address + " " + wrong), peer.brokers());
  }

  /**
   * What listens there if it is certainly no broker: Kafka's client must not meet it. Empty for a
   * broker, and for who says nothing.
   */
  Optional<String> stranger(InetSocketAddress address) {
    Peer peer = peer(address);
    boolean strange = peer.kind() == Peer.Kind.TLS || peer.kind() == Peer.Kind.FOREIGN;
    return strange ? Optional.ofNullable(wrong(peer)) : Optional.empty();
  }

  private Peer peer(InetSocketAddress address) {
    return tls ? probe.tls(address) : probe.plain(address);
  }

  private String wrong(Peer peer) {
    return switch (peer.kind()) {
      case KAFKA -> null;
      case GUARDED ->
          login
              ? null
              : peer.detail()
                  + "; set KAFKA_SECURITY_PROTOCOL="
                  + (tls ? "SASL_SSL" : "SASL_PLAINTEXT");
      case TLS ->
          "speaks TLS; set KAFKA_SECURITY_PROTOCOL=" + (login ? "SASL_SSL" : "SSL or SASL_SSL");
      case FOREIGN, SILENT, UNREACHABLE -> peer.detail();
    };
  }
}
