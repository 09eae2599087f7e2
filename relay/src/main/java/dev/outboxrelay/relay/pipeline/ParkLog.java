package dev.outboxrelay.relay.pipeline;

import dev.outboxrelay.relay.deliver.Clocks;
import dev.outboxrelay.relay.fact.Fact;
import dev.outboxrelay.relay.fact.FactListener;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.spi.LoggingEventBuilder;

/**
 * Writes to the log which topics are parked, and which of them have their lane empty again. There
 * may be thousands at once: so many lines a minute are written, and of the others their number.
 */
final class ParkLog implements FactListener {
  /** Each minute. */
  static final int LINES = 10;

  private static final Logger LOG = LoggerFactory.getLogger(ParkLog.class);

  private final Clocks clocks;
  private final LineBudget budget;

  /** Since when, by topic; what an earlier run has parked is not in it. */
  private final Map<String, Long> parkedNanos = new HashMap<>();

  ParkLog(Clocks clocks) {
    this.clocks = clocks;
    this.budget = new LineBudget(LINES, clocks.nanos());
  }

  @Override
  public void tell(Fact fact) {
    if (fact instanceof Fact.TopicParked parked) {
      parkedNanos.put(parked.topic(), clocks.nanos());
      if (budget.take(clocks.nanos())) {
        line(parked.topic()).log("topic is parked, its events no longer hold up others");
      }
    } else if (fact instanceof Fact.TopicForgotten forgotten) {
      parkedNanos.remove(forgotten.topic()); // that is told with its bar
    } else if (fact instanceof Fact.TopicResumed resumed) {
      Long since = parkedNanos.remove(resumed.topic());
      if (budget.take(clocks.nanos())) {
        LoggingEventBuilder line = line(resumed.topic());
        if (since != null) {
          long seconds = TimeUnit.NANOSECONDS.toSeconds(clocks.nanos() - since);
          line = line.addKeyValue("after_seconds", seconds);
        }
        line.log("parked events are delivered, topic is as others are");
      }
    }
  }

  private LoggingEventBuilder line(String topic) {
    LoggingEventBuilder line = LOG.atInfo();
    long heldBack = budget.heldBack();
    return (heldBack == 0 ? line : line.addKeyValue("held_back", heldBack))
        .addKeyValue("topic", topic)
        .addKeyValue("topics_parked", parkedNanos.size());
  }
}
