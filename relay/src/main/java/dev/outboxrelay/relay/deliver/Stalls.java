package dev.outboxrelay.relay.deliver;

import dev.outboxrelay.relay.deliver.route.Routes;
import dev.outboxrelay.relay.fact.Fact;
import dev.outboxrelay.relay.fact.FactListener;
import dev.outboxrelay.relay.fact.PauseReason;
import dev.outboxrelay.relay.fact.Trouble;
import dev.outboxrelay.relay.fact.Verdict;
import java.util.List;

/** What follows where no ack comes. For one thread. */
final class Stalls {
  private final StallWatch watch;
  private final Routes routes;
  private final Feeder feeder;
  private final Senders senders;
  private final RetryPlan retries;
  private final FactListener listener;

  private long nextQuestionNanos;

  /** One is enough to go on; where a topic acks nothing at all, the others wait. */
  private boolean gaveUpSilent;

  Stalls(
      StallWatch watch,
      Routes routes,
      Feeder feeder,
      Senders senders,
      RetryPlan retries,
      FactListener listener) {
    this.watch = watch;
    this.routes = routes;
    this.feeder = feeder;
    this.senders = senders;
    this.retries = retries;
    this.listener = listener;
  }

  /** Looks, if it has not just done so, while there is a sender. */
  void look(long now) {
    if (!watch.look(now)) {
      return;
    }
    InFlight silent = watch.silent();
    if (watch.orderIsLost(now)) {
      String error = "no ack for topic " + silent.topic() + ", and its producer has lost the order";
      senders.interrupted(silent.topic(), new Verdict.RebuildAndRewind(error), now);
    } else if (silent != null && silent.isReplay() && !gaveUpSilent && watch.isIgnored(now)) {
      gaveUpSilent = true;
      senders.giveUp(silent, "no ack for it; " + watch.describe(), now);
    } else if (silent != null && routes.parks(silent.topic(), now)) {
      String error = "what is on its way of topic " + silent.topic() + " can't be called back";
      senders.interrupted(silent.topic(), new Verdict.RebuildAndRewind(error), now);
    } else if (routes.canPark() && !watch.ignored(now).isEmpty()) {
      park(watch.ignored(now), "while others come", now);
    } else if (routes.canPark() && feeder.waitsForRoom() && watch.isInTheWay(now)) {
      park(List.of(silent), "though brokers know it, and others wait behind it", now);
    } else if (silent != null && (!senders.areStalled() || now - nextQuestionNanos >= 0)) {
      String error = "no ack for topic " + silent.topic() + "; " + watch.describe();
      Trouble trouble =
          senders.stall(
              watch.isThrottled() ? new Verdict.Throttled(error) : new Verdict.RetryLater(error));
      nextQuestionNanos = retries.nextNanos(now, trouble);
      // It may have been deleted: Kafka's client would wait for it for ever.
      routes.ask(silent.topic(), now);
    } else if (silent == null && senders.areStalled() && !feeder.waitsForTopic(now)) {
      senders.recovered();
    }
  }

  /** All of them at once: the sender of one can't go on with the others. */
  private void park(List<InFlight> ignored, String why, long now) {
    for (InFlight each : ignored) {
      String error = "no ack for topic " + each.topic() + ", " + why;
      if (each == ignored.get(0)) {
        senders.interrupted(each.topic(), noAck(each.topic(), error), now);
      } else {
        Verdict verdict = noAck(each.topic(), error);
        listener.tell(new Fact.SendFailed(verdict, each.topic()));
        senders.bar(each.topic(), retries.trouble(routes.bar(each.topic()), verdict), now);
      }
      routes.park(each.topic()); // it has waited for that
    }
  }

  /** A lane that settles nothing bars its topic, for what it has run into. */
  void ofLane(String topic, Verdict verdict, long now) {
    Verdict pause =
        verdict instanceof Verdict.PauseTopic
            ? verdict
            : verdict instanceof Verdict.RetryLater
                ? noAck(topic, verdict.error())
                : new Verdict.PauseTopic(topic, PauseReason.LANE, verdict.error());
    senders.bar(topic, retries.trouble(routes.bar(topic), pause), now);
  }

  private static Verdict noAck(String topic, String error) {
    return new Verdict.PauseTopic(topic, PauseReason.NO_ACK, error);
  }
}
