package dev.outboxrelay.relay.kafka.settings;

import dev.outboxrelay.relay.secret.SecretWords;
import java.io.IOException;
import java.io.StringReader;
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
import java.util.stream.Collectors;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.config.ConfigValue;
import org.apache.kafka.common.config.SslConfigs;
import org.apache.kafka.common.utils.Utils;

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
  private static final String BYTE_ORDER_MARK = "\uFEFF";
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
          // Load balancers forget quiet connections after four minutes or later, many without a
          // word:
          // what is sent then waits for a timeout of half a minute, and again for another one.
          Map.entry(ProducerConfig.CONNECTIONS_MAX_IDLE_MS_CONFIG, "180000"),
          // How long partitions that were added to a topic stay unseen.
          Map.entry(ProducerConfig.METADATA_MAX_AGE_CONFIG, "60000"),
          Map.entry(ProducerConfig.RECONNECT_BACKOFF_MS_CONFIG, "100"),
          // Short, as it adds to the time after an outage in which events still wait.
          Map.entry(ProducerConfig.RECONNECT_BACKOFF_MAX_MS_CONFIG, "1000"),
          Map.entry(ProducerConfig.RETRY_BACKOFF_MS_CONFIG, "100"),
          Map.entry(ProducerConfig.RETRY_BACKOFF_MAX_MS_CONFIG, "1000"));

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
    values.forEach(ShownSettings::protect);
    new SettingRules(values, this::refuse).check();
    refuseWhatKafkaRefuses();
    refuseWhatIsNoAddress();
    warnOfUnverifiedNames();
    if (many) {
      values.putIfAbsent(ProducerConfig.BATCH_SIZE_CONFIG, BATCH_OF_MANY);
    }
    DEFAULTS.forEach(values::putIfAbsent);
    SettingRules.fillIn(values);
    provideMemory(windowBytes);
    return new KafkaSettings(values, files, KeyStores.fingerprints(values));
  }

  private void readConfigFile() {
    String name = env.getOrDefault(CONFIG_FILE, "").trim();
    if (name.isEmpty()) {
      return;
    }
    Properties properties = new Properties();
    try {
      properties.load(new StringReader(text(Path.of(name))));
    } catch (IOException | IllegalArgumentException e) {
      errors.add(CONFIG_FILE + "=" + name + ": can't be read as a properties file: " + e);
      return;
    }
    Set<String> unknown = new TreeSet<>(properties.stringPropertyNames());
    unknown.removeAll(ProducerConfig.configNames());
    if (!unknown.isEmpty()) {
      // Plug-ins of the client read names of their own, so these are passed on.
      warnings.add(name + ": Kafka's producer itself knows none of these: " + names(unknown));
    }
    for (String key : properties.stringPropertyNames()) {
      put(key, properties.getProperty(key).trim(), key + " in " + name);
    }
  }

  /** What can't be a name is counted: it may be a line of a secret that was broken off. */
  private static String names(Set<String> all) {
    List<String> fit = all.stream().filter(ShownSettings::isName).collect(Collectors.toList());
    int unfit = all.size() - fit.size();
    String shown = String.join(", ", fit);
    return unfit == 0
        ? shown
        : shown
            + (fit.isEmpty() ? "" : ", and ")
            + unfit
            + " that are no names of settings; does a value go on in the next line without a"
            + " backslash?";
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
      put(setting, text(path).stripTrailing(), variable);
      files.put(setting, path);
    } catch (IOException | InvalidPathException e) {
      errors.add(
          variable
              + "="
              + ShownSettings.file(file)
              + ": can't be read ("
              + e.getClass().getSimpleName()
              + "); give the absolute path of a file that the relay's user can read");
    }
  }

  /** Editors of Windows put a byte order mark in front, which is no part of a name or a secret. */
  private static String text(Path file) throws IOException {
    String text = Files.readString(file);
    return text.startsWith(BYTE_ORDER_MARK) ? text.substring(BYTE_ORDER_MARK.length()) : text;
  }

  private void put(String setting, String value, String origin) {
    values.put(setting, value);
    origins.put(setting, origin);
  }

  private void refuse(String setting, String why) {
    errors.add(shown(setting) + ": " + why);
  }

  /** The client would say so only when it is made. */
  private void refuseWhatIsNoAddress() {
    String setting = ProducerConfig.BOOTSTRAP_SERVERS_CONFIG;
    String value = values.getOrDefault(setting, "");
    for (String address : value.contains("${") ? new String[0] : value.split(",", 0)) {
      if (!address.isBlank()
          && (Utils.getHost(address.trim()) == null || Utils.getPort(address.trim()) == null)) {
        refuse(setting, "give host:port, or several with commas between them");
        return;
      }
    }
  }

  private void warnOfUnverifiedNames() {
    String setting = SslConfigs.SSL_ENDPOINT_IDENTIFICATION_ALGORITHM_CONFIG;
    if (values.getOrDefault(setting, "https").isEmpty()) {
      warnings.add(
          shown(setting)
              + ": whoever has any certificate of your authorities can pose as a broker");
    }
  }

  private void refuseWhatKafkaRefuses() {
    for (ConfigValue checked : ProducerConfig.configDef().validate(values)) {
      String setting = checked.name();
      // A value that doesn't parse is told twice, the second time as a missing one.
      if (values.containsKey(setting) && !checked.errorMessages().isEmpty()) {
        refuse(setting, "Kafka refuses it" + reason(setting, checked.errorMessages().get(0)));
      }
    }
  }

  private static String reason(String setting, String message) {
    return ShownSettings.isSecret(setting) ? "" : ": " + SecretWords.OF_THIS_PROCESS.scrub(message);
  }

  /**
   * A send that finds no memory blocks the delivery thread. Batches are allocated whole, one per
   * partition, so there is room for many that are nearly empty.
   */
  private void provideMemory(long windowBytes) {
    String setting = ProducerConfig.BUFFER_MEMORY_CONFIG;
    long batch = SettingRules.number(values, ProducerConfig.BATCH_SIZE_CONFIG).orElse(0L);
    long least = windowBytes + Math.max(batch, SettingRules.LARGEST_REQUEST);
    Optional<Long> given = SettingRules.number(values, setting);
    if (given.isPresent() && given.get() < least) {
      refuse(
          setting,
          "must be at least OUTBOX_WINDOW_BYTES and a batch or the largest event = "
              + least
              + "; raise it or lower OUTBOX_WINDOW_BYTES");
    }
    long usual = Math.max(Math.max(2 * windowBytes, LEAST_MEMORY), least);
    values.putIfAbsent(setting, String.valueOf(usual));
  }

  private String shown(String setting) {
    return origins.get(setting) + "=" + ShownSettings.mask(setting, values.get(setting));
  }
}
