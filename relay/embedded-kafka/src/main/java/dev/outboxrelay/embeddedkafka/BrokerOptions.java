package dev.outboxrelay.embeddedkafka;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.apache.kafka.common.security.auth.SecurityProtocol;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The command line of {@link EmbeddedKafka}. */
@Command(
    name = "embedded-kafka",
    mixinStandardHelpOptions = true,
    description =
        "One Kafka broker (KRaft) on 127.0.0.1, alone or of several. Prints READY <bootstrap> when"
            + " it serves.")
final class BrokerOptions {

  @Option(
      names = "--data",
      required = true,
      paramLabel = "DIR",
      description = "Data directory; formatted when it is new, reused when it is not.")
  private Path data;

  @Option(
      names = "--port",
      paramLabel = "N",
      description = "Port for clients (default: 0, a free one; the READY line tells which).")
  private int port;

  @Option(
      names = "--controller-port",
      paramLabel = "N",
      description = "Port of the KRaft controller (default: 0, a free one; may change on restart).")
  private int controllerPort;

  @Option(
      names = "--node-id",
      paramLabel = "N",
      description = "Its number among the nodes of a cluster (default: 1).")
  private int nodeId = 1;

  @Option(
      names = "--voter",
      paramLabel = "ID=PORT",
      description =
          "A node of a cluster and the port of its controller; repeated for each, this one too"
              + " (default: this one is alone).")
  private final Map<Integer, Integer> voters = new LinkedHashMap<>();

  @Option(
      names = "--cluster-id",
      paramLabel = "ID",
      description = "What a new data directory is formatted with (default: a random one).")
  private String clusterId;

  @Option(
      names = "--auto-create-topics",
      description = "Let clients create topics by naming them (default: off).")
  private boolean autoCreateTopics;

  @Option(
      names = "--listener",
      paramLabel = "[NAME:]PROTOCOL=N",
      description =
          "A further listener (SSL, SASL_PLAINTEXT, SASL_SSL) on this port, called like its"
              + " protocol or by a name; may be repeated. What it needs (keys, users) is set by"
              + " --property.")
  private final Map<String, Integer> listeners = new LinkedHashMap<>();

  @Option(
      names = "--property",
      paramLabel = "NAME=VALUE",
      description = "A broker setting that overrides ours; may be repeated.")
  private final Map<String, String> properties = new LinkedHashMap<>();

  Path data() {
    return data.toAbsolutePath();
  }

  int nodeId() {
    return nodeId;
  }

  /** The ports of all controllers, by node. */
  Map<Integer, Integer> voters() {
    return voters.isEmpty() ? Map.of(nodeId, controllerPort) : voters;
  }

  /** Empty for any. */
  Optional<String> clusterId() {
    return Optional.ofNullable(clusterId);
  }

  boolean autoCreateTopics() {
    return autoCreateTopics;
  }

  /** Those beside the plain one. */
  List<Listener> listeners() {
    return listeners.entrySet().stream()
        .map(each -> Listener.of(each.getKey(), each.getValue()))
        .collect(Collectors.toList());
  }

  record Listener(String name, SecurityProtocol protocol, int port) {
    private static Listener of(String text, int port) {
      int colon = text.indexOf(':');
      SecurityProtocol protocol = SecurityProtocol.forName(text.substring(colon + 1));
      return new Listener(colon < 0 ? protocol.name : text.substring(0, colon), protocol, port);
    }
  }

  Map<String, String> properties() {
    return Map.copyOf(properties);
  }

  /** Replaces each port 0 by a free port, once: afterwards both ports are known and differ. */
  BrokerOptions withPortsChosen() {
    try (ServerSocket client = reserve(port);
        ServerSocket controller = reserve(controllerPort)) {
      port = client.getLocalPort();
      controllerPort = controller.getLocalPort();
      return this;
    } catch (IOException e) {
      throw new UncheckedIOException(
          "cannot listen on 127.0.0.1 port " + port + " or " + controllerPort + ": " + e, e);
    }
  }

  int port() {
    return port;
  }

  int controllerPort() {
    return controllerPort;
  }

  private static ServerSocket reserve(int port) throws IOException {
    return new ServerSocket(port, 1, InetAddress.getLoopbackAddress());
  }
}
