package dev.outboxrelay.relay.kafka.settings;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Settings of Kafka's clients, checked, with the relay's defaults and what it insists on filled in.
 * Immutable. Values that come from files are read anew with every call of {@link
 * #producerProperties()}, so that a rotated credential holds from the next producer on.
 */
public final class KafkaSettings {
  private final Map<String, String> values;
  private final Map<String, Path> files;

  KafkaSettings(Map<String, String> values, Map<String, Path> files) {
    this.values = Map.copyOf(values);
    this.files = Map.copyOf(files);
  }

  /**
   * Reads {@code KAFKA_*} and {@code KAFKA_CONFIG_FILE}; see {@link KafkaEnvironment} for the
   * rules.
   *
   * @param env the whole environment
   * @param windowBytes bytes that may be in flight: the producer's memory must be larger
   * @param many whether several producers share the process
   * @param errors where errors are added, one line each
   * @param warnings where ignored names are told, one line each
   */
  public static KafkaSettings from(
      Map<String, String> env,
      long windowBytes,
      boolean many,
      List<String> errors,
      List<String> warnings) {
    return new KafkaEnvironment(env, errors, warnings).read(windowBytes, many);
  }

  /**
   * All properties for a producer, without serializers.
   *
   * @throws IOException if a file that holds a value can't be read; the message names it
   */
  public Map<String, String> producerProperties() throws IOException {
    Map<String, String> properties = new TreeMap<>(values);
    for (Map.Entry<String, Path> file : files.entrySet()) {
      properties.put(file.getKey(), readValue(file.getValue()));
    }
    return properties;
  }

  /** Broker addresses as configured, for messages. */
  public String bootstrapServers() {
    return masked().get("bootstrap.servers");
  }

  /** Names and values as they may be shown: a secret is {@code ***}, a file is named. */
  public Map<String, String> masked() {
    Map<String, String> shown = new TreeMap<>();
    values.forEach((name, value) -> shown.put(name, Secrets.mask(name, value)));
    files.forEach((name, file) -> shown.put(name, "*** (from " + file + ")"));
    return shown;
  }

  @Override
  public String toString() {
    return "KafkaSettings" + masked();
  }

  static String readValue(Path file) throws IOException {
    return Files.readString(file).stripTrailing();
  }
}
