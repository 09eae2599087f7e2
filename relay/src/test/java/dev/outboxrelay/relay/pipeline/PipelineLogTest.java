package dev.outboxrelay.relay.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import dev.outboxrelay.relay.deliver.ManualClocks;
import dev.outboxrelay.relay.fact.Fact;
import dev.outboxrelay.relay.fact.Part;
import dev.outboxrelay.relay.fact.PauseReason;
import dev.outboxrelay.relay.fact.Trouble;
import dev.outboxrelay.relay.fact.Verdict;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

class PipelineLogTest {
  private static final String BARRED = "topic can't be written, its events wait";
  private static final String OPENED = "topic can be written again";

  private final Logger logger =
      (Logger) LoggerFactory.getLogger(PipelineLog.class.getPackageName());
  private final ListAppender<ILoggingEvent> lines = new ListAppender<>();
  private final ManualClocks clocks = new ManualClocks();
  private final PipelineLog log = new PipelineLog(clocks.clocks());

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

  private List<ILoggingEvent> lines(String message) {
    return lines.list.stream().filter(line -> line.getMessage().equals(message)).toList();
  }

  private static Map<String, String> values(ILoggingEvent line) {
    return line.getKeyValuePairs().stream()
        .collect(Collectors.toMap(pair -> pair.key, pair -> String.valueOf(pair.value)));
  }

  private List<String> all(String message, String key) {
    return lines(message).stream().map(line -> values(line).get(key)).toList();
  }

  private Trouble trouble(String topic, PauseReason reason, int attempts) {
    Verdict verdict = new Verdict.PauseTopic(topic, reason, "UnknownTopic: " + topic);
    return new Trouble(verdict, 1_000_000, attempts);
  }

  private void barred(String topic, PauseReason reason, int attempts) {
    log.tell(new Fact.TopicBarred(topic, trouble(topic, reason, attempts)));
  }

  private void barred(String topic) {
    barred(topic, PauseReason.TOPIC_MISSING, 1);
  }

  private void opened(String topic) {
    log.tell(new Fact.TopicOpened(topic));
  }

  @Test
  void aTopicIsToldWhenItIsBarredAndWhenItCanBeWrittenAgain() {
    barred("orders");
    clocks.advance(Duration.ofSeconds(20));
    barred("orders", PauseReason.TOPIC_MISSING, 7);
    clocks.advance(Duration.ofSeconds(10));
    opened("orders");

    assertThat(lines.list)
        .extracting(ILoggingEvent::getLevel, ILoggingEvent::getMessage)
        .containsExactly(tuple(Level.WARN, BARRED), tuple(Level.INFO, OPENED));
    assertThat(values(lines.list.get(0)))
        .containsEntry("topic", "orders")
        .containsEntry("reason", "topic-missing")
        .containsEntry("do", "create the topic")
        .containsEntry("attempts", "1")
        .containsEntry("topics_barred", "1")
        .containsEntry("error", "UnknownTopic: orders")
        .doesNotContainKey("held_back");
    assertThat(values(lines.list.get(1)))
        .containsEntry("topic", "orders")
        .containsEntry("after_seconds", "30")
        .containsEntry("attempts", "7")
        .containsEntry("topics_barred", "0");
  }

  /** No event waits for it, and it may last for weeks, in each of many outboxes. */
  @Test
  void whatKeepsCopiesBackIsToldOnceAndThenHourly() {
    String line = "dead letters not copied to their topic, trying again";
    for (int turn = 0; turn < 3 * 60; turn++) {
      log.tell(new Fact.Failed(Part.COPY, "topic dlt is missing", "create it"));
      clocks.advance(Duration.ofMinutes(1));
    }
    assertThat(all(line, "held_back")).containsExactly(null, "59", "59");

    log.tell(new Fact.Failed(Part.COPY, "topic dlt is forbidden", "allow it"));
    assertThat(all(line, "error")).last().isEqualTo("topic dlt is forbidden");
    log.tell(new Fact.Recovered(Part.COPY));
    log.tell(new Fact.Failed(Part.COPY, "topic dlt is forbidden", "allow it"));
    assertThat(lines(line)).hasSize(5);
  }

  @Test
  void whileItLastsItIsToldOnceAMinute() {
    for (int second = 0; second < 150; second++) {
      barred("orders", PauseReason.TOPIC_MISSING, second + 1);
      clocks.advance(Duration.ofSeconds(1));
    }
    assertThat(all(BARRED, "attempts")).containsExactly("1", "61", "121");
    assertThat(all(BARRED, "for_seconds")).containsExactly("0", "60", "120");
  }

  @Test
  void anotherReasonIsNews() {
    barred("orders", PauseReason.TOPIC_MISSING, 1);
    barred("orders", PauseReason.TOPIC_FORBIDDEN, 2);
    barred("orders", PauseReason.TOPIC_FORBIDDEN, 3);

    assertThat(all(BARRED, "reason")).containsExactly("topic-missing", "topic-forbidden");
  }

  @Test
  void ofThousandsOfTopicsSoManyLinesAMinuteAreWrittenAndTheOthersCounted() {
    for (int topic = 0; topic < 10_000; topic++) {
      barred("t" + topic);
    }
    assertThat(lines.list).hasSize(BarLog.NEWS);

    clocks.advance(Duration.ofMinutes(1));
    lines.list.clear();
    barred("late");
    assertThat(all(BARRED, "held_back")).containsExactly(String.valueOf(10_000 - BarLog.NEWS));
    for (int topic = 0; topic < 10_000; topic++) {
      barred("t" + topic);
    }
    assertThat(lines.list).hasSize(1 + BarLog.REPEATS);

    clocks.advance(Duration.ofMinutes(1));
    lines.list.clear();
    barred("t0");
    assertThat(all(BARRED, "held_back")).containsExactly(String.valueOf(10_000 - BarLog.REPEATS));
    assertThat(all(BARRED, "topics_barred")).containsExactly("10001");
  }

  @Test
  void whatLastsDoesNotKeepWhatIsNewFromBeingTold() {
    for (int topic = 0; topic < 1_000; topic++) {
      barred("t" + topic);
    }
    clocks.advance(Duration.ofMinutes(1));
    for (int topic = 0; topic < 1_000; topic++) {
      barred("t" + topic);
    }
    barred("new");
    opened("t0");

    assertThat(all(BARRED, "topic")).endsWith("new");
    assertThat(all(OPENED, "topic")).containsExactly("t0");
  }

  @Test
  void thousandsThatCanBeWrittenAgainAreFewLines() {
    for (int topic = 0; topic < 1_000; topic++) {
      barred("t" + topic);
    }
    clocks.advance(Duration.ofMinutes(1));
    for (int topic = 999; topic >= 0; topic--) {
      opened("t" + topic);
    }
    // Those that were told of, though they came last.
    assertThat(all(OPENED, "topic")).hasSize(BarLog.NEWS).startsWith("t19").endsWith("t0");
  }

  @Test
  void aTopicThatComesAndGoesIsFewLines() {
    for (int times = 0; times < 1_000; times++) {
      barred("orders");
      opened("orders");
    }
    assertThat(lines.list).hasSize(BarLog.NEWS);
  }

  @Test
  void whatDeliveryTellsOfABarredTopicIsNotToldTwice() {
    Trouble missing = trouble("orders", PauseReason.TOPIC_MISSING, 1);
    barred("orders");
    log.tell(new Fact.StateChanged("delivering", "paused-topic", missing));
    log.tell(new Fact.StateChanged("paused-topic", "connecting", missing));
    log.tell(new Fact.StateChanged("connecting", "paused-topic", missing));
    opened("orders");
    log.tell(new Fact.StateChanged("paused-topic", "delivering", null));

    assertThat(lines.list).extracting(ILoggingEvent::getMessage).containsExactly(BARRED, OPENED);
  }

  @Test
  void anOutageIsToldBesideABarredTopic() {
    Trouble outage = new Trouble(new Verdict.RetryLater("no answer"), 1_000_000, 1);
    log.tell(new Fact.StateChanged("delivering", "stalled", outage));
    barred("orders");
    Trouble missing = trouble("orders", PauseReason.TOPIC_MISSING, 1);
    log.tell(new Fact.StateChanged("stalled", "paused-topic", missing));
    opened("orders");
    log.tell(new Fact.StateChanged("paused-topic", "delivering", null));

    assertThat(lines.list)
        .extracting(ILoggingEvent::getMessage)
        .containsExactly("events wait", BARRED, OPENED, "delivery goes on");
  }

  private static final String PARKED = "topic is parked, its events no longer hold up others";
  private static final String RESUMED = "parked events are delivered, topic is as others are";

  @Test
  void aTopicIsToldWhenItIsParkedAndWhenItsLaneIsEmpty() {
    log.tell(new Fact.TopicParked("orders"));
    clocks.advance(Duration.ofSeconds(90));
    log.tell(new Fact.TopicResumed("orders"));
    log.tell(new Fact.TopicResumed("of an earlier run"));

    assertThat(lines.list)
        .extracting(ILoggingEvent::getLevel, ILoggingEvent::getMessage)
        .containsExactly(
            tuple(Level.INFO, PARKED), tuple(Level.INFO, RESUMED), tuple(Level.INFO, RESUMED));
    assertThat(values(lines.list.get(0)))
        .containsEntry("topic", "orders")
        .containsEntry("topics_parked", "1");
    assertThat(values(lines.list.get(1)))
        .containsEntry("topic", "orders")
        .containsEntry("topics_parked", "0")
        .containsEntry("after_seconds", "90");
    assertThat(values(lines.list.get(2))).doesNotContainKey("after_seconds");
  }

  @Test
  void ofThousandsOfParkedTopicsSoManyLinesAMinuteAreWritten() {
    for (int topic = 0; topic < 1_000; topic++) {
      log.tell(new Fact.TopicParked("t" + topic));
      log.tell(new Fact.Parked("t" + topic, 10));
    }
    assertThat(lines.list).hasSize(ParkLog.LINES);
    clocks.advance(Duration.ofMinutes(1));
    log.tell(new Fact.TopicResumed("t1"));
    assertThat(values(lines(RESUMED).get(0)))
        .containsEntry("held_back", "" + (1_000 - ParkLog.LINES))
        .containsEntry("topics_parked", "999");
  }
}
