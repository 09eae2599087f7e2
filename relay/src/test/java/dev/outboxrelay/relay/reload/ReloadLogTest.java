package dev.outboxrelay.relay.reload;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

class ReloadLogTest {
  private static final Outcome UNCHANGED = new Outcome(new TreeSet<>(), Optional.empty());
  private static final Outcome REFUSED = new Outcome(new TreeSet<>(), Optional.of("no such file"));
  private static final Outcome CHANGED =
      new Outcome(new TreeSet<>(List.of("linger.ms")), Optional.empty());

  private final Logger logger = (Logger) LoggerFactory.getLogger(ReloadLog.class);
  private final ListAppender<ILoggingEvent> lines = new ListAppender<>();
  private final ReloadLog log = new ReloadLog();

  @BeforeEach
  void listen() {
    lines.start();
    logger.setLevel(Level.INFO);
    logger.addAppender(lines);
  }

  @AfterEach
  void stop() {
    logger.detachAppender(lines);
    logger.setLevel(null);
  }

  private List<String> written() {
    return lines.list.stream().map(ILoggingEvent::getMessage).collect(Collectors.toList());
  }

  @Test
  void nothingNewIsNotWorthALineUnlessSomebodyAsked() {
    log.looked(UNCHANGED, false);
    assertThat(written()).isEmpty();
    log.looked(UNCHANGED, true);
    assertThat(written()).containsExactly("configuration unchanged");
  }

  @Test
  void anErrorIsToldOnceAndThatItIsOverToo() {
    log.looked(REFUSED, false);
    log.looked(REFUSED, false);
    log.looked(UNCHANGED, false);
    assertThat(written()).containsExactly("configuration not reloaded", "configuration unchanged");
  }

  @Test
  void whoeverAsksIsToldTheErrorAgain() {
    log.looked(REFUSED, false);
    log.looked(REFUSED, true);
    assertThat(written())
        .containsExactly("configuration not reloaded", "configuration not reloaded");
  }

  @Test
  void whatChangedIsNamed() {
    log.looked(REFUSED, false);
    log.looked(CHANGED, false);
    assertThat(written()).last().isEqualTo("configuration reloaded");
    assertThat(lines.list.get(1).getKeyValuePairs()).hasToString("[changed=\"linger.ms\"]");
  }
}
