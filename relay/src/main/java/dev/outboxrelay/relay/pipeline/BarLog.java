package dev.outboxrelay.relay.pipeline;

import dev.outboxrelay.relay.deliver.Clocks;
import dev.outboxrelay.relay.fact.Cause;
import dev.outboxrelay.relay.fact.Fact;
import dev.outboxrelay.relay.fact.FactListener;
import dev.outboxrelay.relay.fact.Trouble;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.spi.LoggingEventBuilder;

/**
 * Writes to the log which topics can't be written: when that begins or has another reason, once a
 * minute while it lasts, and when it is over. There may be thousands at once: so many lines a
 * minute are written, and of the others their number.
 */
final class BarLog implements FactListener {
  /** Of what is new, each minute. */
  static final int NEWS = 20;

  /** Of what lasts, each minute: apart, so that it does not crowd out what is new. */
  static final int REPEATS = 10;

  private static final Logger LOG = LoggerFactory.getLogger(BarLog.class);
  private static final long REPEAT_NANOS = TimeUnit.MINUTES.toNanos(1);

  private final Clocks clocks;
  private final LineBudget news;
  private final LineBudget repeats;

  /** By topic; it goes with its bar. */
  private final Map<String, Bar> barred = new HashMap<>();

  BarLog(Clocks clocks) {
    this.clocks = clocks;
    this.news = new LineBudget(NEWS, clocks.nanos());
    this.repeats = new LineBudget(REPEATS, clocks.nanos());
  }

  private static final class Bar {
    private Trouble trouble;
    private boolean written;

    /** When a line about it was last written, or held back. */
    private long lineNanos;
  }

  @Override
  public void tell(Fact fact) {
    if (fact instanceof Fact.TopicBarred bar) {
      barred(bar.topic(), bar.trouble());
    } else if (fact instanceof Fact.TopicOpened opened) {
      over(opened.topic(), "topic can be written again");
    } else if (fact instanceof Fact.TopicForgotten forgotten) {
      over(forgotten.topic(), "nothing of the topic waits any more, its next event tries it anew");
    }
  }

  private void barred(String topic, Trouble trouble) {
    long now = clocks.nanos();
    Bar bar = barred.computeIfAbsent(topic, any -> new Bar());
    boolean isNews =
        bar.trouble == null
            || !Objects.equals(bar.trouble.cause().reasonLabel(), trouble.cause().reasonLabel());
    bar.trouble = trouble;
    if (!isNews && now - bar.lineNanos < REPEAT_NANOS) {
      return;
    }
    bar.lineNanos = now;
    LineBudget budget = isNews ? news : repeats;
    if (budget.take(now)) {
      bar.written = true;
      Cause cause = trouble.cause();
      withHeldBack(LOG.atWarn(), budget)
          .addKeyValue("topic", topic)
          .addKeyValue("reason", cause.reasonLabel())
          .addKeyValue("do", cause.wayOut())
          .addKeyValue("attempts", trouble.attempts())
          .addKeyValue("for_seconds", secondsSince(trouble))
          .addKeyValue("topics_barred", barred.size())
          .addKeyValue("error", cause.error())
          .log("topic can't be written, its events wait");
    }
  }

  private void over(String topic, String message) {
    Bar bar = barred.remove(topic);
    // Of what was never told nobody waits for the end.
    if (bar != null && bar.written && news.take(clocks.nanos())) {
      withHeldBack(LOG.atInfo(), news)
          .addKeyValue("topic", topic)
          .addKeyValue("reason", bar.trouble.cause().reasonLabel())
          .addKeyValue("after_seconds", secondsSince(bar.trouble))
          .addKeyValue("attempts", bar.trouble.attempts())
          .addKeyValue("topics_barred", barred.size())
          .log(message);
    }
  }

  private static LoggingEventBuilder withHeldBack(LoggingEventBuilder line, LineBudget budget) {
    long count = budget.heldBack();
    return count == 0 ? line : line.addKeyValue("held_back", count);
  }

  private long secondsSince(Trouble trouble) {
    return Math.max(0, clocks.millis() - trouble.sinceMillis()) / 1000;
  }
}
