package dev.outboxrelay.embeddedkafka;

import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.metadata.storage.Formatter;
import org.apache.kafka.server.common.MetadataVersion;

/** The broker's data directory: formatted once, then Kafka's own. */
final class StorageDirectory {
  /** Kafka writes this file last when it formats, so that a killed format is done again. */
  private static final String MARKER = "meta.properties";

  private StorageDirectory() {}

  /**
   * Makes the directory one that Kafka can start on; does nothing to one that has been formatted.
   *
   * @throws Exception if the directory cannot be written or holds something else
   */
  static void formatIfNew(BrokerOptions options) throws Exception {
    Path directory = options.data();
    if (Files.exists(directory.resolve(MARKER))) {
      return;
    }
    Files.createDirectories(directory);
    new Formatter()
        .setPrintStream(
            new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8))
        .setClusterId(options.clusterId().orElseGet(() -> Uuid.randomUuid().toString()))
        .setNodeId(options.nodeId())
        .setControllerListenerName(BrokerSettings.CONTROLLER_LISTENER)
        .setReleaseVersion(MetadataVersion.LATEST_PRODUCTION)
        .setDirectories(List.of(directory.toString()))
        .setMetadataLogDirectory(directory.toString())
        .run();
  }
}
