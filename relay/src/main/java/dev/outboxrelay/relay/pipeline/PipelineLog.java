package dev.outboxrelay.relay.pipeline;

import dev.outboxrelay.relay.deliver.Clocks;
import dev.outboxrelay.relay.deliver.DeadLetterReason;
import dev.outboxrelay.relay.deliver.DeliveryState;
import dev.outboxrelay.relay.deliver.Trouble;
import dev.outboxrelay.relay.deliver.Verdict;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;
import org.slf4j.spi.LoggingEventBuilder;

/**
 * Writes to the log what an operator wants to know: each event of the unusual kind, an outage at
 * its beginning, once a minute while it lasts, and once when it is over.
 */
final class PipelineLog implements PipelineListener {
  private static final Logger LOG = LoggerFactory.getLogger(PipelineLog.class);
  private static final long REPEAT_NANOS = TimeUnit.MINUTES.toNanos(1);

  private final Clocks clocks;

  /**
   * For each kind of line that may come often: when it was written last, and what was held back.
   */
  private final Map<String, Held> held = new HashMap<>();

  private Trouble outage;

  PipelineLog(Clocks clocks) {
    this.clocks = clocks;
  }

  private static final class Held {
    private long writtenNanos;
    private long count;
  }

  @Override
  public void stateChanged(DeliveryState from, DeliveryState to) {
    Trouble trouble = to.trouble();
    if (trouble != null) {
      outage = trouble;
      LoggingEventBuilder line = limited("state " + to.label() + kindOf(trouble), Level.WARN);
      if (line != null) {
        withWayOut(line, trouble.verdict())
            .addKeyValue("state", to.label())
            .addKeyValue("attempts", trouble.attempts())
            .addKeyValue("for_seconds", secondsSince(trouble.sinceMillis()))
            .addKeyValue("error", trouble.verdict().error())
            .log("events wait");
      }
    } else if (to instanceof DeliveryState.Delivering && outage != null) {
      LOG.atInfo()
          .addKeyValue("after_seconds", secondsSince(outage.sinceMillis()))
          .addKeyValue("attempts", outage.attempts())
          .log("delivery goes on");
      outage = null;
      held.keySet().removeIf(key -> key.startsWith("state ") || key.startsWith("failed "));
    } else if (!from.label().equals(to.label())) {
      LOG.atInfo().addKeyValue("from", from.label()).addKeyValue("to", to.label()).log("state");
    }
  }

  private static String kindOf(Trouble trouble) {
    Verdict verdict = trouble.verdict();
    if (verdict instanceof Verdict.PauseTopic pause) {
      return " " + pause.topic() + " " + pause.reason();
    }
    if (verdict instanceof Verdict.PauseAll pause) {
      // Once the certificates are right, the password may be wrong: that is news. The class only,
      // as messages hold what changes.
      return " " + pause.reason() + " " + pause.error().split(":", 2)[0];
    }
    return " " + verdict.kind().label();
  }

  private static LoggingEventBuilder withWayOut(LoggingEventBuilder line, Verdict verdict) {
    LoggingEventBuilder named = line.addKeyValue("verdict", verdict.kind().label());
    if (verdict instanceof Verdict.PauseTopic pause) {
      return named
          .addKeyValue("topic", pause.topic())
          .addKeyValue("reason", pause.reason().label())
          .addKeyValue("do", pause.reason().wayOut());
    }
    if (verdict instanceof Verdict.PauseAll pause) {
      return named
          .addKeyValue("reason", pause.reason().label())
          .addKeyValue("do", pause.reason().wayOut());
    }
    return named;
  }

  @Override
  public void sendFailed(Verdict verdict, String topic) {
    LOG.atDebug()
        .addKeyValue("topic", topic)
        .addKeyValue("verdict", verdict.kind())
        .addKeyValue("error", verdict.error())
        .log("not sent");
  }

  @Override
  public void checkpointSaved(long sequence) {
    LOG.atDebug().addKeyValue("sequence", sequence).log("position saved");
  }

  @Override
  public void rewound(int records) {
    LOG.atInfo().addKeyValue("events", records).log("unsettled events will be sent again");
  }

  @Override
  public void deadLettered(String topic, DeadLetterReason reason, long sequence) {
    LoggingEventBuilder line = limited("dead " + topic + reason, Level.WARN);
    if (line != null) {
      line.addKeyValue("topic", topic)
          .addKeyValue("reason", reason.label())
          .addKeyValue("sequence", sequence)
          .log("event moved to the dead letters");
    }
  }

  @Override
  public void quarantined(long cycle, long offset, long bytes, String reason) {
    LOG.atError()
        .addKeyValue("cycle", cycle)
        .addKeyValue("offset", offset)
        .addKeyValue("bytes", bytes)
        .addKeyValue("reason", reason)
        .log("corrupt bytes set aside in quarantine");
  }

  @Override
  public void missing(long first, long last) {
    LOG.atError()
        .addKeyValue("first", first)
        .addKeyValue("last", last)
        .log("no record carries these sequences");
  }

  @Override
  public void outOfSequence(long sequence, long previous) {
    LoggingEventBuilder line = limited("sequence", Level.ERROR);
    if (line != null) {
      line.addKeyValue("sequence", sequence)
          .addKeyValue("previous", previous)
          .log("sequence is not above the one before");
    }
  }

  @Override
  public void standingStill(long cycle, long offset, String reason) {
    LOG.atWarn()
        .addKeyValue("cycle", cycle)
        .addKeyValue("offset", offset)
        .addKeyValue("reason", reason)
        .log("reader stands still, salvaging");
  }

  @Override
  public void endMissing(long cycle) {
    LOG.atWarn().addKeyValue("cycle", cycle).log("cycle has no end mark, mending");
  }

  @Override
  public void checkpointFailed(String error) {
    LoggingEventBuilder line = limited("failed checkpoint", Level.ERROR);
    if (line != null) {
      line.addKeyValue("error", error).log("position not saved, trying again");
    }
  }

  @Override
  public void jobFailed(String what, String error) {
    LoggingEventBuilder line = limited("job " + what, Level.ERROR);
    if (line != null) {
      line.addKeyValue("what", what).addKeyValue("error", error).log("not written, trying again");
    }
  }

  @Override
  public void outboxGone() {
    LOG.atError()
        .addKeyValue("do", "find out who did it: what of it was not read yet is not delivered")
        .log("outbox was removed, moved or replaced under the relay");
  }

  @Override
  public void cycleDeleted(long cycle, long bytes) {
    LOG.atInfo()
        .addKeyValue("up_to_cycle", cycle)
        .addKeyValue("bytes", bytes)
        .log("settled cycles deleted");
  }

  /** A line of this kind, or null if one was written within the last minute. */
  private LoggingEventBuilder limited(String kind, Level level) {
    long now = clocks.nanos();
    Held last = held.get(kind);
    if (last != null && now - last.writtenNanos < REPEAT_NANOS) {
      last.count++;
      return null;
    }
    long count = last == null ? 0 : last.count;
    Held next = new Held();
    next.writtenNanos = now;
    held.put(kind, next);
    LoggingEventBuilder line = LOG.atLevel(level);
    return count == 0 ? line : line.addKeyValue("held_back", count);
  }

  private long secondsSince(long millis) {
    return Math.max(0, clocks.millis() - millis) / 1000;
  }
}
