package dev.outboxrelay.relay.kafka.settings;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Settings of Kafka's clients, checked, with the relay's defaults and what it insists on filled in.
 * Immutable, also where values come from files: whoever wants the present ones reads anew.
 */
public final class KafkaSettings {
  private final Map<String, String> values;
  private final Map<String, Path> files;
  private final Map<String, String> stores;

  /**
   * Holds what was read.
   *
   * @param values of all settings
   * @param files where some of them came from
   * @param stores by setting, what tells the content of the file that it names from another
   */
  KafkaSettings(Map<String, String> values, Map<String, Path> files, Map<String, String> stores) {
    this.values = Map.copyOf(values);
    this.files = Map.copyOf(files);
    this.stores = Map.copyOf(stores);
  }

  /**
   * Reads {@code KAFKA_*}, {@code KAFKA_CONFIG_FILE} and the files that are named there; see {@link
   * KafkaEnvironment} for the rules.
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

  /** All properties for a producer, without serializers, secrets included. */
  public Map<String, String> producerProperties() {
    return new TreeMap<>(values);
  }

  /** Broker addresses as configured, for messages. */
  public String bootstrapServers() {
    return masked().get("bootstrap.servers");
  }

  /** Each {@code host:port} where the brokers are looked for; not for messages. */
  public List<String> bootstrapAddresses() {
    return Arrays.stream(values.get("bootstrap.servers").split(",", -1))
        .map(String::trim)
        .filter(address -> !address.isEmpty())
        .collect(Collectors.toList());
  }

  /** The same, but for addresses where nobody shall look for brokers; others must be left. */
  public KafkaSettings withoutAddresses(Set<String> useless) {
    Map<String, String> changed = new TreeMap<>(values);
    changed.put(
        "bootstrap.servers",
        bootstrapAddresses().stream()
            .filter(address -> !useless.contains(address))
            .collect(Collectors.joining(",")));
    return new KafkaSettings(changed, files, stores);
  }

  /**
   * Names and values as they may be shown: only what Kafka's client knows and does not take for a
   * secret has its value, else {@code ***}; a file is named.
   */
  public Map<String, String> masked() {
    Map<String, String> shown = new TreeMap<>();
    values.forEach(
        (name, value) -> {
          if (ShownSettings.isName(name)) {
            shown.put(name, ShownSettings.mask(name, value));
          }
        });
    files.forEach((name, file) -> shown.put(name, "*** (from " + file + ")"));
    return shown;
  }

  /** Names of the settings that differ, also if only the key store that they name does. */
  public SortedSet<String> differencesTo(KafkaSettings other) {
    SortedSet<String> names = new TreeSet<>(values.keySet());
    names.addAll(other.values.keySet());
    names.removeIf(
        name ->
            Objects.equals(values.get(name), other.values.get(name))
                && Objects.equals(stores.get(name), other.stores.get(name)));
    return names;
  }

  @Override
  public String toString() {
    return "KafkaSettings" + masked();
  }
}
