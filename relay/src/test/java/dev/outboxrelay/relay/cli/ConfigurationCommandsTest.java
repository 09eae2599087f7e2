package dev.outboxrelay.relay.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.outboxrelay.relay.config.RelayConfig;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ConfigurationCommandsTest {
  private static final Map<String, String> ENV =
      Map.of(
          "OUTBOX_DIR", "/var/lib/outbox",
          "OUTBOX_RETAIN", "7d",
          "KAFKA_PORT", "tcp://10.0.0.1:9092",
          "KAFKA_SASL_JAAS_CONFIG", "password=hunter2");

  @Test
  void configPrintsEverythingAndNoSecret() {
    CommandLineRun run = CommandLineRun.of(ENV, "config");

    assertThat(run.exitCode()).isZero();
    assertThat(run.out())
        .contains("OUTBOX_DIR=/var/lib/outbox\n", "acks=all\n", "sasl.jaas.config=***\n");
    assertThat(run.err()).contains("KAFKA_PORT");
    assertThat(run.out() + run.err()).doesNotContain("hunter2");
  }

  @Test
  void whatConfigPrintsIsReadBackAsTheSame() {
    RelayConfig config = RelayConfig.from(ENV);

    RelayConfig again = RelayConfig.from(config.settings());

    assertThat(again.settings()).isEqualTo(config.settings());
  }

  @Test
  void configPrintsJson() throws Exception {
    String out = CommandLineRun.of(ENV, "config", "--json").out();

    assertThat(new ObjectMapper().readTree(out).at("/kafka/acks").asText()).isEqualTo("all");
    assertThat(out).doesNotContain("hunter2");
  }

  @Test
  void everyErrorIsToldAtOnceWithExitCode2() {
    CommandLineRun run =
        CommandLineRun.of(Map.of("OUTBOX_DELIVERY", "exactly-once", "KAFKA_ACKS", "1"), "config");

    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.err().lines()).hasSize(3).allMatch(line -> line.startsWith("outbox-relay: "));
  }

  @Test
  void runRefusesAWrongConfigurationBeforeItTouchesAnything() {
    CommandLineRun run = CommandLineRun.of(Map.of("OUTBOX_DIR", "relative"), "run");

    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.err()).isEqualTo("outbox-relay: OUTBOX_DIR=relative: give an absolute path\n");
  }

  @Test
  void withoutACommandTheUsageIsShown() {
    CommandLineRun run = CommandLineRun.of(Map.of());

    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.err()).contains("Usage: outbox-relay", "Exit codes:");
  }
}
