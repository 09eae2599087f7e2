package dev.outboxrelay.relay.kafka.settings;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.config.ConfigValue;

/**
 * Reads a producer's settings from the environment:
 *
 * <ul>
 *   <li>{@code KAFKA_CONFIG_FILE} names a properties file;
 *   <li>{@code KAFKA_<NAME>}, for each of {@link ProducerConfig#configNames()} in upper case with
 *       dots as underscores, wins over the file;
 *   <li>{@code KAFKA_<NAME>_FILE} names a file that holds the value, for secrets.
 * </ul>
 *
 * <p>Other {@code KAFKA_*} names are ignored with one warning, as Kubernetes injects some of its
 * own ({@code KAFKA_PORT=tcp://…}). What delivery without loss rests on can't be weakened.
 */
final class KafkaEnvironment {
  private static final String PREFIX = "KAFKA_";
  private static final String CONFIG_FILE = "KAFKA_CONFIG_FILE";
  private static final String UNLIMITED = String.valueOf(Integer.MAX_VALUE);
  private static final int MOST_IN_FLIGHT = 5;
  private static final int MOST_BLOCKED_MILLIS = 5_000;
  private static final long LEAST_MEMORY = 32L << 20;

  /** Batches are allocated whole, at least one for each partition of each outbox. */
  private static final String BATCH_OF_MANY = "32768";

  private static final Map<String, String> DEFAULTS =
      Map.ofEntries(
          Map.entry(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, "localhost:9092"),
          Map.entry(ProducerConfig.CLIENT_ID_CONFIG, "outbox-relay"),
          Map.entry(ProducerConfig.LINGER_MS_CONFIG, "0"),
          // What it measures is in our metrics; as MBeans, too, it would take 60 KB more.
          Map.entry(ProducerConfig.METRIC_REPORTER_CLASSES_CONFIG, ""),
          Map.entry(ProducerConfig.BATCH_SIZE_CONFIG, "262144"),
          Map.entry(ProducerConfig.COMPRESSION_TYPE_CONFIG, "none"),
          Map.entry(ProducerConfig.MAX_REQUEST_SIZE_CONFIG, "2097152"),
          // Holds up the delivery thread, which calls send(). Topics are resolved before it does,
          // on another thread that asks again when this is not enough.
          Map.entry(ProducerConfig.MAX_BLOCK_MS_CONFIG, "100"),
          Map.entry(ProducerConfig.MAX_IN_FLIGHT_REQUESTS_PER_CONNECTION, "5"),
          Map.entry(ProducerConfig.RECONNECT_BACKOFF_MS_CONFIG, "100"),
          // Short, as it adds to the time after an outage in which events still wait.
          Map.entry(ProducerConfig.RECONNECT_BACKOFF_MAX_MS_CONFIG, "1000"),
          Map.entry(ProducerConfig.RETRY_BACKOFF_MS_CONFIG, "100"),
          Map.entry(ProducerConfig.RETRY_BACKOFF_MAX_MS_CONFIG, "1000"));

  /** Insisted on: another value is an error, not silently replaced. */
  private static final Map<String, Set<String>> REQUIRED =
      Map.of(
          ProducerConfig.ACKS_CONFIG, Set.of("all", "-1"),
          ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, Set.of("true"),
          ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG, Set.of(UNLIMITED),
          ProducerConfig.RETRIES_CONFIG, Set.of(UNLIMITED));

  private static final Map<String, String> REQUIRED_VALUES =
      Map.of(
          ProducerConfig.ACKS_CONFIG,
          "all",
          ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG,
          "true",
          ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG,
          UNLIMITED,
          ProducerConfig.RETRIES_CONFIG,
          UNLIMITED);

  private static final Set<String> OURS =
      Set.of(
          ProducerConfig.KEY_SERIALIZER_CLASS_CONFIG,
          ProducerConfig.VALUE_SERIALIZER_CLASS_CONFIG,
          ProducerConfig.TRANSACTIONAL_ID_CONFIG);

  private final Map<String, String> env;
  private final List<String> errors;
  private final List<String> warnings;

  /** Where each value came from, as the user wrote it. */
  private final Map<String, String> origins = new TreeMap<>();

  private final Map<String, String> values = new TreeMap<>();
  private final Map<String, Path> files = new TreeMap<>();

  KafkaEnvironment(Map<String, String> env, List<String> errors, List<String> warnings) {
    this.env = env;
    this.errors = errors;
    this.warnings = warnings;
  }

  KafkaSettings read(long windowBytes, boolean many) {
    readConfigFile();
    readVariables();
    refuseWhatIsOurs();
    refuseWhatIsWeaker();
    refuseWhatKafkaRefuses();
    if (many) {
      values.putIfAbsent(ProducerConfig.BATCH_SIZE_CONFIG, BATCH_OF_MANY);
    }
    DEFAULTS.forEach(values::putIfAbsent);
    values.putAll(REQUIRED_VALUES);
    provideMemory(windowBytes);
    return new KafkaSettings(values, files, KeyStores.fingerprints(values));
  }

  private void readConfigFile() {
    String name = env.getOrDefault(CONFIG_FILE, "").trim();
    if (name.isEmpty()) {
      return;
    }
    Properties properties = new Properties();
    try (Reader reader = Files.newBufferedReader(Path.of(name))) {
      properties.load(reader);
    } catch (IOException | IllegalArgumentException e) {
      errors.add(CONFIG_FILE + "=" + name + ": can't be read as a properties file: " + e);
      return;
    }
    Set<String> unknown = new TreeSet<>(properties.stringPropertyNames());
    unknown.removeAll(ProducerConfig.configNames());
    if (!unknown.isEmpty()) {
      // Plug-ins of the client read names of their own, so these are passed on.
      warnings.add(
          name + ": Kafka's producer itself knows none of these: " + String.join(", ", unknown));
    }
    for (String key : properties.stringPropertyNames()) {
      put(key, properties.getProperty(key).trim(), key + " in " + name);
    }
  }

  private void readVariables() {
    Map<String, String> known = new TreeMap<>();
    for (String name : ProducerConfig.configNames()) {
      known.put(PREFIX + name.toUpperCase(Locale.ROOT).replace('.', '_'), name);
    }
    Set<String> ignored = new TreeSet<>();
    for (Map.Entry<String, String> variable : new TreeMap<>(env).entrySet()) {
      String name = variable.getKey();
      String value = variable.getValue().trim();
      if (!name.startsWith(PREFIX) || name.equals(CONFIG_FILE) || value.isEmpty()) {
        continue;
      }
      if (known.containsKey(name)) {
        put(known.get(name), value, name);
      } else if (name.endsWith("_FILE")
          && known.containsKey(name.substring(0, name.length() - "_FILE".length()))) {
        readSecret(known.get(name.substring(0, name.length() - "_FILE".length())), value, name);
      } else {
        ignored.add(name);
      }
    }
    if (!ignored.isEmpty()) {
      warnings.add(
          "ignored, as Kafka's producer has no such setting: " + String.join(", ", ignored));
    }
  }

  private void readSecret(String setting, String file, String variable) {
    if (variable.equals(origins.get(setting) + "_FILE")) {
      errors.add(variable + " and " + origins.get(setting) + " are both set; keep one of them");
      return;
    }
    try {
      Path path = Path.of(file);
      put(setting, Files.readString(path).stripTrailing(), variable);
      files.put(setting, path);
    } catch (IOException | InvalidPathException e) {
      errors.add(variable + "=" + file + ": can't be read: " + e);
    }
  }

  private void put(String setting, String value, String origin) {
    values.put(setting, value);
    origins.put(setting, origin);
  }

  private void refuseWhatIsOurs() {
    for (String setting : OURS) {
      if (values.containsKey(setting)) {
        errors.add(shown(setting) + ": the relay sets this itself; remove it");
      }
    }
  }

  private void refuseWhatIsWeaker() {
    REQUIRED.forEach(
        (setting, allowed) -> {
          String value = values.get(setting);
          if (value != null && !allowed.contains(value.toLowerCase(Locale.ROOT))) {
            errors.add(
                shown(setting)
                    + ": delivery without loss needs "
                    + REQUIRED_VALUES.get(setting)
                    + "; remove it");
          }
        });
    number(ProducerConfig.MAX_IN_FLIGHT_REQUESTS_PER_CONNECTION)
        .filter(number -> number > MOST_IN_FLIGHT)
        .ifPresent(
            number ->
                errors.add(
                    shown(ProducerConfig.MAX_IN_FLIGHT_REQUESTS_PER_CONNECTION)
                        + ": order needs at most "
                        + MOST_IN_FLIGHT));
    number(ProducerConfig.MAX_BLOCK_MS_CONFIG)
        .filter(number -> number > MOST_BLOCKED_MILLIS)
        .ifPresent(
            number ->
                errors.add(
                    shown(ProducerConfig.MAX_BLOCK_MS_CONFIG)
                        + ": it holds up all topics; give at most "
                        + MOST_BLOCKED_MILLIS));
  }

  private void refuseWhatKafkaRefuses() {
    for (ConfigValue checked : ProducerConfig.configDef().validate(values)) {
      String setting = checked.name();
      // A value that doesn't parse is told twice, the second time as a missing one.
      if (values.containsKey(setting) && !checked.errorMessages().isEmpty()) {
        errors.add(
            shown(setting)
                + ": Kafka refuses it"
                + (Secrets.isSecret(setting) ? "" : ": " + checked.errorMessages().get(0)));
      }
    }
  }

  /**
   * A send that finds no memory blocks the delivery thread. Batches are allocated whole, one per
   * partition, so there is room for many that are nearly empty.
   */
  private void provideMemory(long windowBytes) {
    String setting = ProducerConfig.BUFFER_MEMORY_CONFIG;
    long least = windowBytes + number(ProducerConfig.BATCH_SIZE_CONFIG).orElse(0L);
    Optional<Long> given = number(setting);
    if (given.isPresent() && given.get() < least) {
      errors.add(
          shown(setting)
              + ": must be at least OUTBOX_WINDOW_BYTES + batch.size = "
              + least
              + "; raise it or lower OUTBOX_WINDOW_BYTES");
    }
    values.putIfAbsent(setting, String.valueOf(Math.max(2 * windowBytes, LEAST_MEMORY)));
  }

  private Optional<Long> number(String setting) {
    try {
      return Optional.ofNullable(values.get(setting)).map(Long::valueOf);
    } catch (NumberFormatException e) {
      // Kafka's own check reports it.
      return Optional.empty();
    }
  }

  private String shown(String setting) {
    return origins.get(setting) + "=" + Secrets.mask(setting, values.get(setting));
  }
}
