package dev.outboxrelay.relay.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RelayConfigTest {

  @Test
  void anOutboxAloneIsEnough() {
    RelayConfig config = RelayConfig.from(Map.of("OUTBOX_DIR", "/var/lib/outbox"));

    assertThat(config.outboxDir()).isEqualTo(Path.of("/var/lib/outbox"));
    assertThat(config.delivery()).isEqualTo(DeliveryMode.AT_LEAST_ONCE);
    assertThat(config.recordTimestamp()).isEqualTo(RecordTimestamp.APPEND);
    assertThat(config.maxBytes()).isEmpty();
    assertThat(config.retain()).isZero();
    assertThat(config.http()).hasToString("Optional[127.0.0.1:9748]");
    assertThat(config.stopDeadline()).isEqualTo(Duration.ofSeconds(20));
    assertThat(config.kafka().bootstrapServers()).isEqualTo("localhost:9092");
    assertThat(config.warnings()).isEmpty();
  }

  @Test
  void anEmptyEnvironmentIsTheDefaultOneAsForTheClients() {
    RelayConfig config =
        RelayConfig.from(
            Map.of(
                "OUTBOX_DIR", "/var/lib/outbox",
                "OUTBOX_TOPIC", "events-{environment}",
                "ENVIRONMENT", " "));

    assertThat(config.topic()).contains("events-dev");
  }

  @Test
  void everythingThatIsWrongIsToldAtOnce() {
    List<String> errors =
        errors(
            Map.of(
                "OUTBOX_DIR", "outbox",
                "OUTBOX_MAX_BYTES", "1G",
                "OUTBOX_RETAIN", "a week",
                "OUTBOX_HTTP_ADDRESS", "9748",
                "OUTBOX_WINDOW_RECORDS", "0",
                "OUTBOX_RECORD_TIMESTAMP", "now",
                "OUTBOX_TRUST_PARENT", "yes",
                "OUTBOX_TOPIC", "a b",
                "KAFKA_ACKS", "1",
                "KAFKA_LINGER_MS", "soon"));

    assertThat(errors)
        .hasSize(10)
        .anyMatch(error -> error.equals("OUTBOX_DIR=outbox: give an absolute path"))
        .anyMatch(error -> error.startsWith("OUTBOX_MAX_BYTES=1G: "))
        .anyMatch(error -> error.startsWith("OUTBOX_RETAIN=a week: "))
        .anyMatch(error -> error.startsWith("OUTBOX_HTTP_ADDRESS=9748: "))
        .anyMatch(error -> error.startsWith("OUTBOX_WINDOW_RECORDS=0: "))
        .anyMatch(error -> error.equals("OUTBOX_RECORD_TIMESTAMP=now: use append or send"))
        .anyMatch(error -> error.startsWith("OUTBOX_TRUST_PARENT=yes: "))
        .anyMatch(error -> error.startsWith("OUTBOX_TOPIC=a b: "))
        .anyMatch(error -> error.startsWith("KAFKA_ACKS=1: "))
        .anyMatch(error -> error.startsWith("KAFKA_LINGER_MS=soon: "));
  }

  @Test
  void theTopicOfDeadLettersIsCheckedLikeAnyOther() {
    Map<String, String> env = new HashMap<>(with("OUTBOX_DEAD_LETTER_TOPIC", "dead-{environment}"));
    env.put("ENVIRONMENT", "prod");
    assertThat(RelayConfig.from(env).deadLetters().topic()).contains("dead-prod");
    assertThat(RelayConfig.from(env).settings())
        .containsEntry("OUTBOX_DEAD_LETTER_TOPIC", "dead-prod");
    assertThat(RelayConfig.from(env).warnings()).isEmpty();
    assertThat(errors(with("OUTBOX_DEAD_LETTER_TOPIC", "a b")))
        .singleElement()
        .asString()
        .startsWith("OUTBOX_DEAD_LETTER_TOPIC=a b: ");
  }

  @Test
  void aTopicOfKafkasOwnIsNoDefault() {
    assertThat(errors(with("OUTBOX_TOPIC", "__consumer_offsets")))
        .singleElement()
        .asString()
        .startsWith("OUTBOX_TOPIC=__consumer_offsets: ")
        .endsWith("not Kafka's own");
  }

  @Test
  void withoutAnOutboxTheMessageSaysWhichVariableToSet() {
    assertThatThrownBy(() -> RelayConfig.from(Map.of()))
        .isInstanceOf(ConfigErrors.class)
        .hasMessageContaining("OUTBOX_DIR is not set");
  }

  @Test
  void exactlyOnceIsRefusedAndNotSilentlyWeakened() {
    assertThat(errors(with("OUTBOX_DELIVERY", "exactly-once")))
        .singleElement()
        .asString()
        .contains("not available in this version");
  }

  @Test
  void namesThatNobodyReadsAreToldInOneWarning() {
    Map<String, String> env = new HashMap<>(with("OUTBOX_MAXBYTES", "1"));
    env.put("OUTBOX_DURABILITY", "power");
    env.put("OUTBOX_DIRECTORY", "/x");

    assertThat(RelayConfig.from(env).warnings())
        .singleElement()
        .asString()
        .endsWith("OUTBOX_DIRECTORY, OUTBOX_MAXBYTES");
  }

  @Test
  void noSettingOfItsOwnIsTakenForAStrangersName() {
    Map<String, String> env = new HashMap<>(RelayConfig.from(with("OUTBOX_TOPIC", "t")).settings());
    env.values().removeIf(String::isEmpty);
    assertThat(RelayConfig.from(env).warnings()).isEmpty();
  }

  @Test
  void anEmptyValueCountsAsUnset() {
    assertThat(RelayConfig.from(with("OUTBOX_MAX_BYTES", " ")).maxBytes()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({"0,PT0S", "90s,PT1M30S", "30m,PT30M", "72h,PT72H", "7d,PT168H"})
  void retentionIsANumberWithAUnit(String text, Duration expected) {
    assertThat(RelayConfig.from(with("OUTBOX_RETAIN", text)).retain()).isEqualTo(expected);
  }

  @Test
  void httpCanBeOff() {
    assertThat(RelayConfig.from(with("OUTBOX_HTTP_ADDRESS", "off")).http()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({"0.0.0.0:0,0.0.0.0,0", "[::1]:9748,::1,9748", "relay.internal:80,relay.internal,80"})
  void anAddressIsHostAndPort(String text, String host, int port) {
    HttpAddress address = HttpAddress.parse(text);

    assertThat(address).isEqualTo(new HttpAddress(host, port));
    assertThat(address).hasToString(text);
  }

  @ParameterizedTest
  @CsvSource({"localhost", ":9748", "localhost:", "localhost:http", "localhost:65536", "::1:9748"})
  void whatIsNoAddressIsRefused(String text) {
    assertThatThrownBy(() -> HttpAddress.parse(text)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aMetricsFileThatNobodyWouldReadIsRefused() {
    assertThat(RelayConfig.from(with("OUTBOX_METRICS_FILE", "/run/relay.prom")).metricsFile())
        .contains(Path.of("/run/relay.prom"));
    for (String path : List.of("relay.prom", "/run/relay.txt", "/run/.prom", "/run/relay.prom/")) {
      assertThatThrownBy(() -> RelayConfig.from(with("OUTBOX_METRICS_FILE", path)))
          .hasMessageContaining("OUTBOX_METRICS_FILE=" + path + ": give an absolute path");
    }
  }

  @Test
  void theTopicFollowsTheEnvironment() {
    Map<String, String> env = new HashMap<>(with("OUTBOX_TOPIC", "events-{environment}"));
    assertThat(RelayConfig.from(env).topic()).isEqualTo(Optional.of("events-dev"));

    env.put("ENVIRONMENT", "prod");
    assertThat(RelayConfig.from(env).topic()).isEqualTo(Optional.of("events-prod"));
  }

  @Test
  void aBackoffThatShrinksIsRefused() {
    Map<String, String> env = new HashMap<>(with("OUTBOX_BACKOFF_MIN_MS", "500"));
    env.put("OUTBOX_BACKOFF_MAX_MS", "400");

    assertThat(errors(env)).singleElement().asString().contains("400 < 500");
  }

  private static Map<String, String> with(String name, String value) {
    return Map.of("OUTBOX_DIR", "/var/lib/outbox", name, value);
  }

  private static List<String> errors(Map<String, String> env) {
    return catchThrowableOfType(ConfigErrors.class, () -> RelayConfig.from(env)).errors();
  }

  @Test
  void aFileSaysTheLogsLevelWhileItIsThere(@TempDir Path dir) throws IOException {
    Path file = dir.resolve("level");
    Map<String, String> env =
        Map.of(
            "OUTBOX_DIR", "/o",
            "OUTBOX_LOG_LEVEL", "warn",
            "OUTBOX_LOG_LEVEL_FILE", file.toString());
    assertThat(RelayConfig.from(env).log().level()).isEqualTo(LogSettings.Level.WARN);
    Files.writeString(file, "Debug\n");
    assertThat(RelayConfig.from(env).log().level()).isEqualTo(LogSettings.Level.DEBUG);
    assertThat(RelayConfig.from(env).settings())
        .containsEntry("OUTBOX_LOG_LEVEL", "debug")
        .containsEntry("OUTBOX_LOG_LEVEL_FILE", file.toString());
    Files.writeString(file, "\n");
    assertThat(RelayConfig.from(env).log().level()).isEqualTo(LogSettings.Level.WARN);
    Files.writeString(file, "loud\n");
    assertThat(errors(env)).singleElement().asString().contains("OUTBOX_LOG_LEVEL=loud", "debug");
    Files.delete(file);
    Files.createDirectory(file);
    assertThat(errors(env)).singleElement().asString().contains("can't be read");
  }
}
