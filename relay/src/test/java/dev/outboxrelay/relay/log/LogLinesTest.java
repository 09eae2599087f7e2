package dev.outboxrelay.relay.log;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.LoggingEvent;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.slf4j.event.KeyValuePair;

class LogLinesTest {
  private static final String OURS = "dev.outboxrelay.relay.pipeline.Pipeline";

  @Test
  void anEventIsOneLineOfPairsInAFixedOrder() {
    LoggingEvent event = event(OURS, Level.INFO, "relay_ready");
    event.addKeyValuePair(new KeyValuePair("outbox", "/var/lib/outbox"));
    event.addKeyValuePair(new KeyValuePair("sequence", 17L));

    assertThat(new LogfmtLayout().doLayout(event))
        .isEqualTo(
            "ts=2026-01-02T03:04:05.006Z level=info event=relay_ready outbox=/var/lib/outbox"
                + " sequence=17\n");
  }

  @Test
  void whateverAValueHoldsTheEventStaysOneLine() {
    LoggingEvent event = event(OURS, Level.WARN, "two words");
    event.addKeyValuePair(new KeyValuePair("reason", "a\nb \"c\" \\ d\u0007\u2028"));
    event.addKeyValuePair(new KeyValuePair("empty", ""));

    assertThat(new LogfmtLayout().doLayout(event))
        .endsWith(
            "event=\"two words\" reason=\"a\\nb \\\"c\\\" \\\\ d\\u0007\\u2028\" empty=\"\"\n")
        .containsOnlyOnce("\n");
  }

  @Test
  void anErrorCarriesItsStackAndAWarningOnlyItsMessage() {
    LoggingEvent warning = thrown(Level.WARN);
    LoggingEvent error = thrown(Level.ERROR);

    assertThat(new LogfmtLayout().doLayout(warning))
        .contains("error=\"java.lang.IllegalStateException: broken\"")
        .doesNotContain("stack=");
    assertThat(new LogfmtLayout().doLayout(error)).contains("stack=").containsOnlyOnce("\n");
  }

  @Test
  void jsonKeepsNumbersAndBooleans() throws Exception {
    LoggingEvent event = event(OURS, Level.INFO, "settled");
    event.addKeyValuePair(new KeyValuePair("sequence", 17L));
    event.addKeyValuePair(new KeyValuePair("late", true));
    event.addKeyValuePair(new KeyValuePair("reason", "a\n\"b\""));

    String line = new JsonLayout().doLayout(event);
    JsonNode json = new ObjectMapper().readTree(line);

    assertThat(line).endsWith("}\n").containsOnlyOnce("\n");
    assertThat(json.get("sequence").isIntegralNumber()).isTrue();
    assertThat(json.get("late").isBoolean()).isTrue();
    assertThat(json.get("reason").asText()).isEqualTo("a\n\"b\"");
  }

  @Test
  void aLibrarysLineNamesItsLoggerAndOursDoesNot() {
    assertThat(new LogfmtLayout().doLayout(event("org.apache.kafka.X", Level.WARN, "hm")))
        .contains(" logger=org.apache.kafka.X");
    assertThat(new LogfmtLayout().doLayout(event(OURS, Level.WARN, "hm")))
        .doesNotContain("logger=");
  }

  @Test
  void whatTheThreadIsAboutIsTold() {
    LoggingEvent event = event(OURS, Level.INFO, "settled", Map.of("outbox", "/var/lib/outbox"));
    event.addKeyValuePair(new KeyValuePair("sequence", 17L));

    assertThat(new LogfmtLayout().doLayout(event))
        .endsWith("event=settled outbox=/var/lib/outbox sequence=17\n");
  }

  private static LoggingEvent thrown(Level level) {
    LoggerContext context = new LoggerContext();
    LoggingEvent event =
        new LoggingEvent(
            "fqcn",
            context.getLogger(OURS),
            level,
            "failed",
            new IllegalStateException("broken"),
            null);
    event.setTimeStamp(0);
    event.setMDCPropertyMap(Map.of());
    return event;
  }

  private static LoggingEvent event(String logger, Level level, String message) {
    return event(logger, level, message, Map.of());
  }

  private static LoggingEvent event(
      String logger, Level level, String message, Map<String, String> context) {
    LoggingEvent event =
        new LoggingEvent("fqcn", new LoggerContext().getLogger(logger), level, message, null, null);
    event.setInstant(java.time.Instant.parse("2026-01-02T03:04:05.006Z"));
    event.setMDCPropertyMap(context);
    return event;
  }
}
