package dev.outboxrelay.relay.pipeline;

import dev.outboxrelay.relay.deliver.Clocks;
import dev.outboxrelay.relay.deliver.DeliveryState;
import dev.outboxrelay.relay.fact.Cause;
import dev.outboxrelay.relay.fact.Fact;
import dev.outboxrelay.relay.fact.FactListener;
import dev.outboxrelay.relay.fact.Part;
import dev.outboxrelay.relay.fact.Trouble;
import dev.outboxrelay.relay.fact.Verdict;
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
final class PipelineLog implements FactListener {
  private static final Logger LOG = LoggerFactory.getLogger(PipelineLog.class);
  private static final long REPEAT_NANOS = TimeUnit.MINUTES.toNanos(1);

  /** The same for what no event waits for, if it is still the same. */
  private static final long SELDOM_NANOS = TimeUnit.HOURS.toNanos(1);

  private static final String DELIVERING = new DeliveryState.Delivering().label();

  private final Clocks clocks;

  /**
   * For each kind of line that may come often: when it was written last, and what was held back.
   */
  private final Map<String, Held> held = new HashMap<>();

  private final BarLog bars;
  private final ParkLog parks;
  private Trouble outage;

  /** Whether a barred topic is what delivery told last. */
  private boolean barTold;

  PipelineLog(Clocks clocks) {
    this.clocks = clocks;
    this.bars = new BarLog(clocks);
    this.parks = new ParkLog(clocks);
  }

  private static final class Held {
    private long writtenNanos;
    private long count;
    private String error; // null where that does not matter
  }

  @Override
  public void tell(Fact fact) {
    if (fact instanceof Fact.Delivered || fact instanceof Fact.Parked) {
      return; // those that come for every event
    }
    if (fact instanceof Fact.PositionSaved saved) {
      LOG.atDebug().addKeyValue("sequence", saved.sequence()).log("position saved");
    } else if (fact instanceof Fact.StateChanged changed) {
      stateChanged(changed);
    } else if (fact instanceof Fact.TopicBarred || fact instanceof Fact.TopicOpened) {
      bars.tell(fact);
    } else if (fact instanceof Fact.TopicForgotten) {
      bars.tell(fact);
      parks.tell(fact);
    } else if (fact instanceof Fact.TopicParked || fact instanceof Fact.TopicResumed) {
      parks.tell(fact);
    } else if (fact instanceof Fact.SendFailed failed) {
      LOG.atDebug()
          .addKeyValue("topic", failed.topic())
          .addKeyValue("verdict", failed.verdict().kind())
          .addKeyValue("error", failed.verdict().error())
          .log("not sent");
    } else if (fact instanceof Fact.ClusterSeen seen) {
      clusterSeen(seen);
    } else if (fact instanceof Fact.Rewound rewound) {
      LOG.atInfo()
          .addKeyValue("events", rewound.events())
          .log("unsettled events will be sent again");
    } else if (fact instanceof Fact.Failed failed) {
      failed(failed);
    } else if (fact instanceof Fact.Recovered recovered) {
      held.remove("failed " + recovered.part());
      LOG.atInfo().addKeyValue("what", recovered.part().label()).log(recovered(recovered.part()));
    } else if (fact instanceof Fact.CyclesDeleted deleted) {
      LOG.atInfo()
          .addKeyValue("up_to_cycle", deleted.cycle())
          .addKeyValue("bytes", deleted.bytes())
          .log("settled cycles deleted");
    } else {
      ofTheQueue(fact);
    }
  }

  /** What is wrong with the queue or with an event. */
  private void ofTheQueue(Fact fact) {
    if (fact instanceof Fact.DeadLettered dead) {
      LoggingEventBuilder line = limited("dead " + dead.topic() + dead.reason(), Level.WARN);
      if (line != null) {
        line.addKeyValue("topic", dead.topic())
            .addKeyValue("reason", dead.reason().label())
            .addKeyValue("sequence", dead.sequence())
            .log("event moved to the dead letters");
      }
    } else if (fact instanceof Fact.LetterNotCopied letter) {
      LOG.atWarn()
          .addKeyValue("letter", letter.number())
          .addKeyValue("event_id", letter.eventId())
          .addKeyValue("error", letter.error())
          .log("dead letter is not copied to its topic, it stays in dead-letters/");
    } else if (fact instanceof Fact.LettersNotKept gone) {
      LOG.atWarn()
          .addKeyValue("first", gone.first())
          .addKeyValue("last", gone.last())
          .log("dead letters were not kept until they were copied to their topic");
    } else if (fact instanceof Fact.Discarded given) {
      LOG.atWarn()
          .addKeyValue("events", given.events())
          .addKeyValue("why", given.why().label())
          .log("events given up for good, and not kept");
    } else if (fact instanceof Fact.Quarantined kept) {
      LOG.atError()
          .addKeyValue("cycle", kept.cycle())
          .addKeyValue("offset", kept.offset())
          .addKeyValue("bytes", kept.bytes())
          .addKeyValue("reason", kept.reason())
          .log("corrupt bytes set aside in quarantine");
    } else if (fact instanceof Fact.Missing missing) {
      LOG.atError()
          .addKeyValue("first", missing.first())
          .addKeyValue("last", missing.last())
          .log("no record carries these sequences");
    } else if (fact instanceof Fact.OutOfSequence record) {
      LoggingEventBuilder line = limited("sequence", Level.ERROR);
      if (line != null) {
        line.addKeyValue("sequence", record.sequence())
            .addKeyValue("event_id", record.eventId())
            .addKeyValue("previous", record.previous())
            .addKeyValue("earlier_event_id", record.earlier() == null ? "?" : record.earlier())
            .log(
                record.isRepeated()
                    ? "sequence is not above the one before: the same event once more"
                    : "sequence is not above the one before");
      }
    } else if (fact instanceof Fact.StandingStill still) {
      LOG.atWarn()
          .addKeyValue("cycle", still.cycle())
          .addKeyValue("offset", still.offset())
          .addKeyValue("reason", still.reason())
          .log("reader stands still, salvaging");
    } else if (fact instanceof Fact.EndMissing end) {
      LOG.atWarn().addKeyValue("cycle", end.cycle()).log("cycle has no end mark, mending");
    } else if (fact instanceof Fact.OutboxGone) {
      LOG.atError()
          .addKeyValue("do", "find out who did it: what of it was not read yet is not delivered")
          .log("outbox was removed, moved or replaced under the relay");
    }
  }

  private void stateChanged(Fact.StateChanged changed) {
    Trouble trouble = changed.trouble();
    boolean toldBefore = barTold;
    barTold = trouble != null && trouble.cause() instanceof Verdict.PauseTopic;
    if (barTold || (toldBefore && trouble == null && outage == null)) {
      return; // it was told of the topic
    }
    if (trouble != null) {
      outage = trouble;
      LoggingEventBuilder line =
          limited("state " + changed.to() + kindOf(trouble.cause()), Level.WARN);
      if (line != null) {
        withWayOut(line.addKeyValue("verdict", trouble.cause().label()), trouble.cause())
            .addKeyValue("state", changed.to())
            .addKeyValue("attempts", trouble.attempts())
            .addKeyValue("for_seconds", secondsSince(trouble.sinceMillis()))
            .addKeyValue("error", trouble.cause().error())
            .log("events wait");
      }
    } else if (changed.to().equals(DELIVERING) && outage != null) {
      LOG.atInfo()
          .addKeyValue("after_seconds", secondsSince(outage.sinceMillis()))
          .addKeyValue("attempts", outage.attempts())
          .log("delivery goes on");
      outage = null;
      held.keySet().removeIf(key -> key.startsWith("state "));
    } else if (!changed.from().equals(changed.to())) {
      LOG.atInfo().addKeyValue("from", changed.from()).addKeyValue("to", changed.to()).log("state");
    }
  }

  private static String kindOf(Cause cause) {
    if (cause instanceof Verdict.PauseAll pause) {
      // Once the certificates are right, the password may be wrong: that is news. The class only,
      // as messages hold what changes.
      return " " + pause.reason() + " " + pause.error().split(":", 2)[0];
    }
    return " " + cause.label();
  }

  private static LoggingEventBuilder withWayOut(LoggingEventBuilder line, Cause cause) {
    LoggingEventBuilder named =
        cause.reasonLabel() == null ? line : line.addKeyValue("reason", cause.reasonLabel());
    return cause.wayOut() == null ? named : named.addKeyValue("do", cause.wayOut());
  }

  private static void clusterSeen(Fact.ClusterSeen seen) {
    if (seen.isAnother()) {
      LOG.atError()
          .addKeyValue("cluster", seen.id())
          .addKeyValue("before", seen.before())
          .addKeyValue("do", "if that is not meant, bring the other back and set OUTBOX_CLUSTER_ID")
          .log("another cluster is at Kafka's address, unsettled events go there");
    } else {
      LOG.atInfo().addKeyValue("cluster", seen.id()).log("delivers to cluster");
    }
  }

  private static String recovered(Part part) {
    return switch (part) {
      case THREAD -> "thread replaced";
      case READING -> "read at last";
      case COPY -> "dead letters can be copied again";
      case PEER -> "no address is a stranger's any more";
      default -> "written at last";
    };
  }

  private void failed(Fact.Failed failed) {
    boolean harmless = failed.part() == Part.PEER || failed.part() == Part.COPY;
    Level level = harmless ? Level.WARN : Level.ERROR;
    String kind = "failed " + failed.part();
    LoggingEventBuilder line =
        failed.part() == Part.COPY ? limited(kind, level, failed.error()) : limited(kind, level);
    if (line != null) {
      line.addKeyValue("what", failed.part().label())
          .addKeyValue("error", failed.error())
          .addKeyValue("do", failed.wayOut())
          .log(
              switch (failed.part()) {
                case READING -> "queue not read, trying again";
                case POSITION -> "position not saved, trying again";
                case THREAD -> "thread has died, it is replaced";
                case COPY -> "dead letters not copied to their topic, trying again";
                case PEER -> "address left out, something else than Kafka answers there";
                default -> "not written, trying again";
              });
    }
  }

  /** A line of this kind, or null if one was written within the last minute. */
  private LoggingEventBuilder limited(String kind, Level level) {
    return limited(kind, level, null);
  }

  /** The same, or with the same error within the last hour. */
  private LoggingEventBuilder limited(String kind, Level level, String error) {
    long now = clocks.nanos();
    Held last = held.get(kind);
    boolean isSame = last != null && error != null && error.equals(last.error);
    if (last != null && now - last.writtenNanos < (isSame ? SELDOM_NANOS : REPEAT_NANOS)) {
      last.count++;
      return null;
    }
    long count = last == null ? 0 : last.count;
    Held next = new Held();
    next.writtenNanos = now;
    next.error = error;
    held.put(kind, next);
    LoggingEventBuilder line = LOG.atLevel(level);
    return count == 0 ? line : line.addKeyValue("held_back", count);
  }

  private long secondsSince(long millis) {
    return Math.max(0, clocks.millis() - millis) / 1000;
  }
}
