package dev.outboxrelay.relay.config;

import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.writing.WriterOptions;
import dev.outboxrelay.relay.kafka.settings.KafkaSettings;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Everything that a relay process is told, complete and checked. Immutable; holds no secret that
 * its {@code toString} would show.
 *
 * @param outboxes which to serve ({@code OUTBOX_DIR} or {@code OUTBOX_DIRS})
 * @param delivery the promise towards consumers ({@code OUTBOX_DELIVERY})
 * @param recordTimestamp where a Kafka record's timestamp comes from ({@code
 *     OUTBOX_RECORD_TIMESTAMP})
 * @param partitioner what chooses the partition of a key ({@code OUTBOX_PARTITIONER})
 * @param maxBytes cap of appended − settled bytes, parked and dead events included; empty = no cap
 *     ({@code OUTBOX_MAX_BYTES})
 * @param retain how long settled cycles are kept for replay; zero = deleted once settled ({@code
 *     OUTBOX_RETAIN})
 * @param syncInterval how often what was appended is brought to stable storage; zero = only before
 *     a position covers it ({@code OUTBOX_SYNC_INTERVAL})
 * @param idleAfter how long an outbox of several may be settled and quiet before what serves it is
 *     let go of ({@code OUTBOX_IDLE_AFTER})
 * @param http where health and metrics are served; empty = nowhere ({@code OUTBOX_HTTP_ADDRESS})
 * @param health where health alone is served, by a thread of its own; empty = nowhere else ({@code
 *     OUTBOX_HEALTH_ADDRESS})
 * @param metricsFile where metrics are written for node_exporter; empty = nowhere ({@code
 *     OUTBOX_METRICS_FILE})
 * @param window bounds of what is sent and not yet settled ({@code OUTBOX_WINDOW_RECORDS}, {@code
 *     OUTBOX_WINDOW_BYTES})
 * @param clusterId the only cluster to deliver to; empty = whichever is there ({@code
 *     OUTBOX_CLUSTER_ID})
 * @param refusalsInARow so many events of one topic that Kafka refuses for one reason become dead
 *     letters, then the topic waits; 0 = all do ({@code OUTBOX_REFUSALS_IN_A_ROW})
 * @param parkAfter how long a topic can't be written before its events are kept apart, so that the
 *     position passes them; empty = never ({@code OUTBOX_PARK_AFTER})
 * @param deadLetters how many are kept ({@code OUTBOX_DEAD_LETTER_*})
 * @param checkpointInterval how often the position is saved while events flow ({@code
 *     OUTBOX_CHECKPOINT_INTERVAL_MS})
 * @param stopDeadline how long a graceful stop may wait for what is in flight ({@code
 *     OUTBOX_STOP_DEADLINE_MS})
 * @param drainOnStop whether a stop first delivers what was appended before it, within its deadline
 *     ({@code OUTBOX_DRAIN_ON_STOP=1})
 * @param backoff waits of the relay's own retries ({@code OUTBOX_BACKOFF_MIN_MS}, {@code
 *     OUTBOX_BACKOFF_MAX_MS})
 * @param trustParent whether a world-writable parent of the outbox is accepted ({@code
 *     OUTBOX_TRUST_PARENT=1})
 * @param topic the clients' default topic if {@code OUTBOX_TOPIC} is set, {@code {environment}}
 *     replaced; only checks use it, every event names its own topic
 * @param log the process's own log ({@code OUTBOX_LOG_LEVEL}, {@code OUTBOX_LOG_LEVEL_FILE}, {@code
 *     OUTBOX_LOG_FORMAT})
 * @param kafka settings of the producer ({@code KAFKA_*})
 * @param warnings what was ignored, one line each, to be logged at start
 */
public record RelayConfig(
    OutboxSelection outboxes,
    DeliveryMode delivery,
    RecordTimestamp recordTimestamp,
    Partitioner partitioner,
    OptionalLong maxBytes,
    Duration retain,
    Duration syncInterval,
    Duration idleAfter,
    Optional<HttpAddress> http,
    Optional<HttpAddress> health,
    Optional<Path> metricsFile,
    WindowSettings window,
    Optional<String> clusterId,
    int refusalsInARow,
    Optional<Duration> parkAfter,
    DeadLetterSettings deadLetters,
    Duration checkpointInterval,
    Duration stopDeadline,
    boolean drainOnStop,
    BackoffSettings backoff,
    boolean trustParent,
    Optional<String> topic,
    LogSettings log,
    KafkaSettings kafka,
    List<String> warnings) {

  public RelayConfig {
    warnings = List.copyOf(warnings);
  }

  /**
   * Reads and checks the whole environment.
   *
   * @param env names and values, as {@link System#getenv()} gives them; other names are ignored
   * @throws ConfigErrors naming everything that is wrong
   */
  public static RelayConfig from(Map<String, String> env) {
    List<String> errors = new ArrayList<>();
    List<String> warnings = new ArrayList<>();
    EnvironmentReader reader = new EnvironmentReader(env, errors);
    reader.unknownNames().ifPresent(warnings::add);

    OutboxSelection outboxes = reader.outboxes();
    WindowSettings window = reader.window();
    RelayConfig config =
        new RelayConfig(
            outboxes,
            reader.delivery(),
            reader.choice("OUTBOX_RECORD_TIMESTAMP", RecordTimestamp.class, RecordTimestamp.APPEND),
            reader.choice("OUTBOX_PARTITIONER", Partitioner.class, Partitioner.MURMUR2),
            reader.maxBytes(),
            reader.duration("OUTBOX_RETAIN", Duration.ZERO, "72h"),
            reader.duration("OUTBOX_SYNC_INTERVAL", Duration.ofMillis(200), "200ms"),
            reader.duration("OUTBOX_IDLE_AFTER", Duration.ofMinutes(2), "2m"),
            reader.address("OUTBOX_HTTP_ADDRESS", "127.0.0.1:9748"),
            reader.address("OUTBOX_HEALTH_ADDRESS", "off"),
            reader.metricsFile(),
            window,
            reader.clusterId(),
            (int) reader.number("OUTBOX_REFUSALS_IN_A_ROW", 10, 0, 1_000_000),
            reader.durationOrOff("OUTBOX_PARK_AFTER", Duration.ofSeconds(5), "5s"),
            reader.deadLetters(),
            reader.millis("OUTBOX_CHECKPOINT_INTERVAL_MS", 100, 1, 60_000),
            reader.millis("OUTBOX_STOP_DEADLINE_MS", 20_000, 0, 3_600_000),
            reader.flag("OUTBOX_DRAIN_ON_STOP"),
            reader.backoff(),
            reader.flag("OUTBOX_TRUST_PARENT"),
            reader.topic("OUTBOX_TOPIC"),
            reader.log(),
            KafkaSettings.from(
                env,
                window.maxBytes(),
                outboxes instanceof OutboxSelection.Matching,
                errors,
                warnings),
            warnings);
    if (!errors.isEmpty()) {
      throw new ConfigErrors(errors);
    }
    return config;
  }

  /**
   * Absolute path of the outbox.
   *
   * @throws IllegalStateException if several are served: take {@link #forOutbox} first
   */
  public Path outboxDir() {
    if (outboxes instanceof OutboxSelection.One one) {
      return one.dir();
    }
    throw new IllegalStateException("OUTBOX_DIRS names more than one outbox");
  }

  /** How the relay writes into the outbox, where it has to. */
  public WriterOptions writerOptions() {
    return WriterOptions.of(new OutboxPaths(outboxDir())).withTrustParent(trustParent);
  }

  /** The same for one outbox. */
  public RelayConfig forOutbox(Path dir) {
    return with(new OutboxSelection.One(dir), log, kafka);
  }

  /** The same with what may change while the relay runs. */
  public RelayConfig with(LogSettings newLog, KafkaSettings newKafka) {
    return with(outboxes, newLog, newKafka);
  }

  private RelayConfig with(
      OutboxSelection newOutboxes, LogSettings newLog, KafkaSettings newKafka) {
    return new RelayConfig(
        newOutboxes,
        delivery,
        recordTimestamp,
        partitioner,
        maxBytes,
        retain,
        syncInterval,
        idleAfter,
        http,
        health,
        metricsFile,
        window,
        clusterId,
        refusalsInARow,
        parkAfter,
        deadLetters,
        checkpointInterval,
        stopDeadline,
        drainOnStop,
        backoff,
        trustParent,
        topic,
        newLog,
        newKafka,
        warnings);
  }

  /** The {@code OUTBOX_*} settings as the environment would give them, defaults included. */
  public Map<String, String> settings() {
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put(
        "OUTBOX_DIR", outboxes instanceof OutboxSelection.One one ? one.dir().toString() : "");
    settings.put(
        "OUTBOX_DIRS", outboxes instanceof OutboxSelection.Matching many ? many.toString() : "");
    settings.put("OUTBOX_DELIVERY", lower(delivery).replace('_', '-'));
    settings.put("OUTBOX_RECORD_TIMESTAMP", lower(recordTimestamp));
    settings.put("OUTBOX_PARTITIONER", lower(partitioner));
    settings.put(
        "OUTBOX_MAX_BYTES", maxBytes.isPresent() ? String.valueOf(maxBytes.getAsLong()) : "");
    settings.put("OUTBOX_RETAIN", retain.isZero() ? "0" : retain.toSeconds() + "s");
    settings.put(
        "OUTBOX_SYNC_INTERVAL", syncInterval.isZero() ? "0" : syncInterval.toMillis() + "ms");
    settings.put("OUTBOX_IDLE_AFTER", idleAfter.toSeconds() + "s");
    settings.put("OUTBOX_HTTP_ADDRESS", http.map(HttpAddress::toString).orElse("off"));
    settings.put("OUTBOX_HEALTH_ADDRESS", health.map(HttpAddress::toString).orElse("off"));
    settings.put("OUTBOX_METRICS_FILE", metricsFile.map(Path::toString).orElse(""));
    settings.put("OUTBOX_WINDOW_RECORDS", String.valueOf(window.maxRecords()));
    settings.put("OUTBOX_WINDOW_BYTES", String.valueOf(window.maxBytes()));
    settings.put("OUTBOX_CLUSTER_ID", clusterId.orElse(""));
    settings.put("OUTBOX_REFUSALS_IN_A_ROW", String.valueOf(refusalsInARow));
    settings.put("OUTBOX_PARK_AFTER", parkAfter.map(RelayConfig::shown).orElse("off"));
    settings.put(
        "OUTBOX_DEAD_LETTER_LIMIT",
        deadLetters.limit().isPresent() ? String.valueOf(deadLetters.limit().getAsLong()) : "");
    settings.put("OUTBOX_DEAD_LETTER_POLICY", lower(deadLetters.policy()).replace('_', '-'));
    settings.put("OUTBOX_DEAD_LETTER_TOPIC", deadLetters.topic().orElse(""));
    settings.put("OUTBOX_CHECKPOINT_INTERVAL_MS", String.valueOf(checkpointInterval.toMillis()));
    settings.put("OUTBOX_STOP_DEADLINE_MS", String.valueOf(stopDeadline.toMillis()));
    settings.put("OUTBOX_DRAIN_ON_STOP", drainOnStop ? "1" : "0");
    settings.put("OUTBOX_BACKOFF_MIN_MS", String.valueOf(backoff.min().toMillis()));
    settings.put("OUTBOX_BACKOFF_MAX_MS", String.valueOf(backoff.max().toMillis()));
    settings.put("OUTBOX_TRUST_PARENT", trustParent ? "1" : "0");
    settings.put("OUTBOX_TOPIC", topic.orElse(""));
    settings.put("OUTBOX_LOG_LEVEL", lower(log.level()));
    settings.put("OUTBOX_LOG_LEVEL_FILE", log.levelFile().map(Path::toString).orElse(""));
    settings.put("OUTBOX_LOG_FORMAT", lower(log.format()));
    return settings;
  }

  private static String shown(Duration duration) {
    return duration.toMillisPart() == 0 ? duration.toSeconds() + "s" : duration.toMillis() + "ms";
  }

  private static String lower(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }
}
