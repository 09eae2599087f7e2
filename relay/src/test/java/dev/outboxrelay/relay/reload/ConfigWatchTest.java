package dev.outboxrelay.relay.reload;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.relay.config.LogSettings.Level;
import dev.outboxrelay.relay.config.RelayConfig;
import dev.outboxrelay.relay.kafka.KafkaProbe;
import dev.outboxrelay.relay.kafka.KafkaRefused;
import dev.outboxrelay.relay.kafka.settings.KafkaSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConfigWatchTest {
  /** Nobody listens there. */
  private static final String NOBODY = "127.0.0.1:1";

  @TempDir private Path dir;
  private final List<KafkaSettings> probed = new ArrayList<>();
  private Path properties;
  private Path level;

  @BeforeEach
  void files() throws IOException {
    properties = dir.resolve("kafka.properties");
    level = dir.resolve("level");
    Files.writeString(properties, "linger.ms=1\n");
  }

  private RelayConfig read() {
    return RelayConfig.from(
        Map.of(
            "OUTBOX_DIR",
            "/o",
            "OUTBOX_LOG_LEVEL_FILE",
            level.toString(),
            "KAFKA_CONFIG_FILE",
            properties.toString()));
  }

  private ConfigWatch watch(Consumer<KafkaSettings> probe) {
    return new ConfigWatch(read(), this::read, probe);
  }

  private static String linger(ConfigWatch watch) {
    return watch.current().kafka().producerProperties().get("linger.ms");
  }

  @Test
  void whatDidNotChangeIsTheSameObjectAndIsNotProbed() {
    ConfigWatch watch = watch(probed::add);
    KafkaSettings before = watch.current().kafka();
    Outcome outcome = watch.look();
    assertThat(outcome.changed()).isEmpty();
    assertThat(outcome.error()).isEmpty();
    assertThat(watch.current().kafka()).isSameAs(before);
    assertThat(probed).isEmpty();
  }

  @Test
  void otherSettingsAreProbedAndThenInUse() throws IOException {
    ConfigWatch watch = watch(probed::add);
    Files.writeString(properties, "linger.ms=2\n");
    Outcome outcome = watch.look();
    assertThat(outcome.changed()).containsExactly("linger.ms");
    assertThat(outcome.error()).isEmpty();
    assertThat(linger(watch)).isEqualTo("2");
    assertThat(probed).containsExactly(watch.current().kafka());
    assertThat(watch.look().changed()).isEmpty();
  }

  @Test
  void whatTheProbeRefusesIsNotUsedAndIsTriedAgain() throws IOException {
    Files.writeString(properties, "bootstrap.servers=" + NOBODY + "\n");
    ConfigWatch watch = watch(KafkaProbe::check);
    Files.writeString(properties, "ssl.truststore.location=/no.jks\nsecurity.protocol=SSL\n");
    for (int i = 0; i < 2; i++) {
      Outcome outcome = watch.look();
      assertThat(outcome.changed()).isEmpty();
      assertThat(outcome.error().orElseThrow()).contains("/no.jks");
      assertThat(watch.current().kafka().bootstrapServers()).isEqualTo(NOBODY);
    }
    Files.writeString(properties, "bootstrap.servers=" + NOBODY + "\n");
    assertThat(watch.look().error()).isEmpty();
  }

  @Test
  void whatCannotBeReadIsNotUsedAndAllErrorsAreTold() throws IOException {
    ConfigWatch watch = watch(probed::add);
    Files.writeString(properties, "acks=1\nlinger.ms=soon\n");
    Outcome outcome = watch.look();
    assertThat(outcome.error().orElseThrow()).contains("acks", "linger.ms");
    assertThat(linger(watch)).isEqualTo("1");
    assertThat(probed).isEmpty();
    Files.delete(properties);
    assertThat(watch.look().error().orElseThrow()).contains("can't be read");
    assertThat(linger(watch)).isEqualTo("1");
  }

  @Test
  void theLogsLevelHoldsWhateverBecomesOfTheRest() throws IOException {
    ConfigWatch watch =
        watch(
            settings -> {
              throw new KafkaRefused("no", null);
            });
    Files.writeString(properties, "linger.ms=2\n");
    Files.writeString(level, "debug\n");
    Outcome outcome = watch.look();
    assertThat(outcome.changed()).containsExactly("OUTBOX_LOG_LEVEL");
    assertThat(outcome.error()).isPresent();
    assertThat(watch.current().log().level()).isEqualTo(Level.DEBUG);
    assertThat(linger(watch)).isEqualTo("1");
    Files.delete(level);
    assertThat(watch.look().changed()).containsExactly("OUTBOX_LOG_LEVEL");
    assertThat(watch.current().log().level()).isEqualTo(Level.INFO);
  }
}
