package dev.outboxrelay.relay.log;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.LoggingEvent;
import ch.qos.logback.core.spi.FilterReply;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class RepeatFilterTest {
  private final AtomicLong nanos = new AtomicLong();
  private final RepeatFilter filter =
      new RepeatFilter("dev.outboxrelay", Duration.ofMinutes(1), nanos::get);

  @Test
  void aLibrarysRepetitionIsHeldBackAndThenCounted() {
    assertThat(filter.decide(kafka("node {} is away", 1))).isEqualTo(FilterReply.NEUTRAL);
    assertThat(filter.decide(kafka("node {} is away", 2))).isEqualTo(FilterReply.DENY);
    assertThat(filter.decide(kafka("node {} is away", 3))).isEqualTo(FilterReply.DENY);

    nanos.addAndGet(Duration.ofMinutes(1).toNanos());
    LoggingEvent next = kafka("node {} is away", 4);
    assertThat(filter.decide(next)).isEqualTo(FilterReply.NEUTRAL);
    assertThat(new LogfmtLayout().doLayout(next))
        .contains("node 4 is away")
        .contains("held_back=2");
  }

  @Test
  void numbersInTheMessageItselfMakeNoDifference() {
    assertThat(filter.decide(kafka("request 17 failed", 0))).isEqualTo(FilterReply.NEUTRAL);
    assertThat(filter.decide(kafka("request 18 failed", 0))).isEqualTo(FilterReply.DENY);
  }

  @Test
  void differentThingsAreNotTakenForRepetitions() {
    assertThat(filter.decide(kafka("a", 1))).isEqualTo(FilterReply.NEUTRAL);
    assertThat(filter.decide(kafka("b", 1))).isEqualTo(FilterReply.NEUTRAL);
  }

  @Test
  void ourOwnLinesAreNeverHeldBack() {
    for (int i = 0; i < 3; i++) {
      assertThat(filter.decide(event("dev.outboxrelay.relay.X", "same", i)))
          .isEqualTo(FilterReply.NEUTRAL);
    }
  }

  private static LoggingEvent kafka(String message, int value) {
    return event("org.apache.kafka.clients.NetworkClient", message, value);
  }

  private static LoggingEvent event(String logger, String message, int value) {
    LoggingEvent event =
        new LoggingEvent(
            "fqcn",
            new LoggerContext().getLogger(logger),
            Level.WARN,
            message,
            null,
            new Object[] {value});
    event.setMDCPropertyMap(Map.of());
    return event;
  }
}
