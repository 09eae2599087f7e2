package dev.outboxrelay.relay.kafka.settings;

import dev.outboxrelay.client.record.RecordLimits;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.producer.ProducerConfig;

/**
 * What loss, order and partitions rest on, and what an outbox may hold: settings that are not for a
 * user to choose, or only within bounds. An event must never be given up for a limit of ours.
 */
final class SettingRules {
  static final String UNLIMITED = String.valueOf(Integer.MAX_VALUE);

  /** The largest event as Kafka counts it: a batch of its own, and the header with its id. */
  static final long LARGEST_REQUEST = RecordLimits.EVENTS.maxRecordBytes() + 4096L;

  private static final String RELAYS_OWN = "the relay sets this itself; remove it";

  /** Refused, whatever the value. */
  private static final Map<String, String> OURS =
      Map.of(
          ProducerConfig.KEY_SERIALIZER_CLASS_CONFIG,
          RELAYS_OWN,
          ProducerConfig.VALUE_SERIALIZER_CLASS_CONFIG,
          RELAYS_OWN,
          ProducerConfig.TRANSACTIONAL_ID_CONFIG,
          RELAYS_OWN,
          ProducerConfig.TRANSACTION_TWO_PHASE_COMMIT_ENABLE_CONFIG,
          RELAYS_OWN,
          ProducerConfig.PARTITIONER_CLASS_CONFIG,
          "the relay chooses the partition, as the order of a key rests on it; remove it, and set"
              + " OUTBOX_PARTITIONER, or give events a partition when they are appended",
          ProducerConfig.INTERCEPTOR_CLASSES_CONFIG,
          "an interceptor could send something else, or elsewhere, than was appended; remove it,"
              + " and add headers when events are appended");

  /** Insisted on: another value is an error, not silently replaced. The first one is set. */
  private static final Map<String, List<String>> REQUIRED =
      Map.of(
          ProducerConfig.ACKS_CONFIG, List.of("all", "-1"),
          ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, List.of("true"),
          ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG, List.of(UNLIMITED),
          ProducerConfig.RETRIES_CONFIG, List.of(UNLIMITED));

  private static final Map<String, List<String>> REQUIRED_FOR_ANOTHER_REASON =
      Map.of(
          ProducerConfig.PARTITIONER_IGNORE_KEYS_CONFIG, List.of("false"),
          CommonClientConfigs.METADATA_RECOVERY_STRATEGY_CONFIG, List.of("rebootstrap"));

  private record Bounds(String setting, long least, long most, String why) {}

  private static final List<Bounds> BOUNDS =
      List.of(
          new Bounds(
              ProducerConfig.MAX_IN_FLIGHT_REQUESTS_PER_CONNECTION, 1, 5, "order needs at most 5"),
          new Bounds(
              ProducerConfig.MAX_BLOCK_MS_CONFIG,
              10,
              5_000,
              "it holds up all topics, and is the time in which one is found; give 10 … 5000"),
          new Bounds(
              ProducerConfig.MAX_REQUEST_SIZE_CONFIG,
              LARGEST_REQUEST,
              100 << 20,
              "an outbox may hold events of "
                  + RecordLimits.EVENTS.maxRecordBytes()
                  + " bytes, and none may fail for a limit of the relay's own; give "
                  + LARGEST_REQUEST
                  + " … "
                  + (100 << 20)
                  + ", and limit events with max.message.bytes of the topic"),
          new Bounds(
              ProducerConfig.LINGER_MS_CONFIG, 0, 5_000, "every event waits for it; give 0 … 5000"),
          new Bounds(
              ProducerConfig.REQUEST_TIMEOUT_MS_CONFIG,
              1_000,
              600_000,
              "brokers that work must be able to answer in time, and those that died be noticed;"
                  + " give 1000 … 600000"),
          new Bounds(
              ProducerConfig.RETRY_BACKOFF_MS_CONFIG, 0, 60_000, "give 0 … 60000, or events wait"),
          new Bounds(
              ProducerConfig.RETRY_BACKOFF_MAX_MS_CONFIG,
              0,
              60_000,
              "give 0 … 60000, or events wait long after an outage"),
          new Bounds(
              ProducerConfig.RECONNECT_BACKOFF_MS_CONFIG,
              0,
              60_000,
              "give 0 … 60000, or events wait long after an outage"),
          new Bounds(
              ProducerConfig.RECONNECT_BACKOFF_MAX_MS_CONFIG,
              0,
              600_000,
              "give 0 … 600000, or events wait long after an outage"),
          new Bounds(
              ProducerConfig.SOCKET_CONNECTION_SETUP_TIMEOUT_MS_CONFIG,
              500,
              600_000,
              "give 500 … 600000: less than a connection takes would never connect"),
          new Bounds(
              ProducerConfig.SOCKET_CONNECTION_SETUP_TIMEOUT_MAX_MS_CONFIG,
              500,
              600_000,
              "give 500 … 600000: less than a connection takes would never connect"),
          new Bounds(
              ProducerConfig.METADATA_MAX_AGE_CONFIG,
              1_000,
              3_600_000,
              "new partitions and leaders are seen by it; give 1000 … 3600000"),
          new Bounds(
              ProducerConfig.METADATA_MAX_IDLE_CONFIG,
              180_000,
              Long.MAX_VALUE,
              "the relay relies on a topic that it found for two minutes; give 180000 or more"),
          new Bounds(
              CommonClientConfigs.METADATA_RECOVERY_REBOOTSTRAP_TRIGGER_MS_CONFIG,
              0,
              3_600_000,
              "brokers that moved are found again after it; give 0 … 3600000"));

  private final Map<String, String> values;
  private final BiConsumer<String, String> refuse;

  /**
   * Rules for these values.
   *
   * @param refuse takes a setting and why its value can't be
   */
  SettingRules(Map<String, String> values, BiConsumer<String, String> refuse) {
    this.values = values;
    this.refuse = refuse;
  }

  /** Values that are always set. */
  static void fillIn(Map<String, String> values) {
    REQUIRED.forEach((setting, allowed) -> values.put(setting, allowed.get(0)));
  }

  /** Of settings as the user gave them, before defaults are filled in. */
  void check() {
    OURS.forEach(
        (setting, why) -> {
          if (values.containsKey(setting)) {
            refuse.accept(setting, why);
          }
        });
    requireAll(REQUIRED, "delivery without loss needs ");
    requireAll(
        REQUIRED_FOR_ANOTHER_REASON, "order per key, and brokers that move, need the default ");
    for (Bounds bounds : BOUNDS) {
      number(values, bounds.setting())
          .filter(number -> number < bounds.least() || number > bounds.most())
          .ifPresent(number -> refuse.accept(bounds.setting(), bounds.why()));
    }
  }

  private void requireAll(Map<String, List<String>> required, String why) {
    required.forEach(
        (setting, allowed) -> {
          String value = values.get(setting);
          if (value != null && !allowed.contains(value.toLowerCase(Locale.ROOT))) {
            refuse.accept(setting, why + allowed.get(0) + "; remove it");
          }
        });
  }

  /** Empty if it is not given or none: Kafka's own check reports that. */
  static Optional<Long> number(Map<String, String> values, String setting) {
    try {
      return Optional.ofNullable(values.get(setting)).map(Long::valueOf);
    } catch (NumberFormatException e) {
      return Optional.empty();
    }
  }
}
