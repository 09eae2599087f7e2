package dev.outboxrelay.relay.deliver;

import dev.outboxrelay.relay.deliver.DeliveryState.Connected;
import dev.outboxrelay.relay.deliver.DeliveryState.Connecting;
import dev.outboxrelay.relay.deliver.DeliveryState.Draining;
import dev.outboxrelay.relay.deliver.DeliveryState.Probing;
import dev.outboxrelay.relay.deliver.DeliveryState.Renewing;
import dev.outboxrelay.relay.deliver.DeliveryState.Running;
import dev.outboxrelay.relay.deliver.DeliveryState.Stalled;
import dev.outboxrelay.relay.deliver.DeliveryState.Waiting;
import dev.outboxrelay.relay.deliver.Transport.Answer;
import dev.outboxrelay.relay.deliver.route.LaneNews;
import dev.outboxrelay.relay.deliver.route.Routes;
import dev.outboxrelay.relay.fact.Fact;
import dev.outboxrelay.relay.fact.FactListener;
import dev.outboxrelay.relay.fact.Part;
import dev.outboxrelay.relay.fact.PauseReason;
import dev.outboxrelay.relay.fact.Trouble;
import dev.outboxrelay.relay.fact.Verdict;
import dev.outboxrelay.relay.tail.Arrival;
import dev.outboxrelay.relay.tail.Arrivals;
import dev.outboxrelay.relay.tail.Bookmark;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;

/**
 * Takes arrivals in order, hands them to the transport, and settles them in order. One turn is
 * {@link #doWork}; nothing in it blocks. Which state it is in, and how it gets from one to another,
 * is drawn at {@link DeliveryState}.
 *
 * <p>A failed record is never sent again on the same sender, as its successors may be acked
 * already: the sender is discarded and everything from the oldest unsettled record on is read and
 * sent again. For one thread.
 */
public final class Delivery {
  /** Acks take milliseconds; a sender of old settings may never get its own. */
  private static final long RENEWAL_NANOS = TimeUnit.SECONDS.toNanos(10);

  private final Arrivals arrivals;
  private final Routes routes;
  private final Transport transport;
  private final Settlement settlement;
  private final FactListener listener;
  private final RetryPlan retries;
  private final Clocks clocks;
  private final Feeder feeder;
  private final Ledger ledger;
  private final AckedBefore ackedBefore = new AckedBefore();
  private final Refusals refusals;
  private final StallWatch stallWatch;
  private final Queue<InFlight> failures = new ConcurrentLinkedQueue<>();

  private DeliveryState state;
  private Standing told;

  /** Whether one record is sent at a time: from a rewind until Kafka answers. */
  private boolean careful;

  private long nextQuestionNanos;

  private final long stallNanos;

  /** When the present attempt to connect began. */
  private long connectingNanos;

  private boolean senderLost;

  /** One is enough to go on; where a topic acks nothing at all, the others wait. */
  private boolean gaveUpSilent;

  private boolean strangersLeftOut;

  /** The one to which events go, in earlier runs, too; null before the first. */
  private String cluster;

  private boolean clusterTold;

  /**
   * Begins to connect.
   *
   * @param start where an earlier run stopped, or null if there was none
   * @param cluster to which earlier runs delivered, or null if that is not known
   */
  public Delivery(
      Arrivals arrivals,
      Routes routes,
      Transport transport,
      Settlement settlement,
      FactListener listener,
      Limits limits,
      RandomGenerator random,
      Clocks clocks,
      Settled start,
      String cluster) {
    this.settlement = settlement;
    this.cluster = cluster;
    this.arrivals = arrivals;
    this.routes = routes;
    this.transport = transport;
    this.listener = listener;
    this.retries = new RetryPlan(limits.backoff(), random, clocks);
    this.clocks = clocks;
    Window window = new Window(limits.maxRecords(), limits.maxBytes(), limits.lease());
    this.refusals = new Refusals(limits.refusalsInARow(), limits.refusedBefore(), window);
    this.ledger =
        new Ledger(
            window, ackedBefore, transport.acks(), refusals, settlement, listener, clocks, start);
    this.stallNanos = limits.stall().toNanos();
    this.feeder =
        new Feeder(
            arrivals, routes, transport, settlement, window, ackedBefore, failures, stallNanos);
    this.stallWatch = new StallWatch(window, routes, transport, limits, clocks.nanos());
    this.connectingNanos = clocks.nanos();
    this.state = new Connecting(null);
    this.told = standing();
    transport.connect();
  }

  /** One turn; returns how much was done. */
  public int doWork() {
    long now = clocks.nanos();
    // What was acked before a failure need not be sent again after it.
    int work = takeAnswers(now) + settle() + takeFailures(now) + takeNews(now);
    keepTime(now);
    if (transport.isOutdated()) {
      renew(now);
    }
    work += state.sends() ? feed(now) : 0;
    if (state instanceof Probing probing && ledger.inFlight() == 0 && ackedBefore.isConfirmed()) {
      move(probing.over());
    }
    if (otherFormat() != null && ledger.inFlight() == 0) {
      drain(now);
    }
    return work;
  }

  /**
   * Stops: nothing more is sent, what is in flight may finish.
   *
   * @param deadlineNanos of the monotonic clock
   */
  public void drain(long deadlineNanos) {
    if (state instanceof Running running) {
      move(running.drain(deadlineNanos));
    }
  }

  /** Where it stands with its sender. */
  public DeliveryState state() {
    return state;
  }

  /** How it stands as a whole. */
  public Standing standing() {
    return new Standing(state, routes.firstBar());
  }

  /**
   * What another version wrote and is next to be read: then delivery stops. Null if there is none.
   */
  public Arrival.OtherFormat otherFormat() {
    return feeder.otherFormat();
  }

  /** What is settled, and what is on its way. */
  public Ledger ledger() {
    return ledger;
  }

  /** Append time of the oldest event that was read and is not settled. */
  public OptionalLong oldestAppendMillis() {
    OptionalLong inFlight = ledger.oldestAppendMillis();
    return inFlight.isPresent() ? inFlight : feeder.heldAppendMillis();
  }

  private int settle() {
    int settled = ledger.settle();
    if (settled > 0) {
      feeder.settledUpTo(ledger.settled() == null ? 0 : ledger.settled().sequence());
      careful &= !ledger.kafkaAnswered();
      if (state instanceof Probing probing && !careful) {
        move(probing.over());
      }
    }
    return settled;
  }

  private int takeAnswers(long now) {
    int taken = 0;
    for (Answer answer = transport.poll(); answer != null; answer = transport.poll()) {
      taken++;
      if (answer instanceof Answer.Connected made && state instanceof Connecting connecting) {
        strangers(made.leftOut());
        if (senderLost) {
          senderLost = false;
          listener.tell(new Fact.Recovered(Part.THREAD));
        }
        move(connecting.connected(careful));
      } else if (answer instanceof Answer.ConnectFailed failed
          && state instanceof Connecting connecting) {
        listener.tell(new Fact.SendFailed(failed.verdict(), null));
        connectFailed(connecting, failed.verdict(), now);
      } else if (answer instanceof Answer.ClusterSeen seen) {
        clusterSeen(seen, now);
      } else if (answer instanceof Answer.SenderLost lost) {
        senderLost(lost, now);
      } else if (answer instanceof Answer.TopicReady ready) {
        topicReady(ready, now);
      } else if (answer instanceof Answer.TopicUnavailable unavailable) {
        routes.unavailable(unavailable.topic());
        topicUnavailable(unavailable.topic(), unavailable.verdict(), now);
      } else if (answer instanceof Answer.TopicsUnavailable many) {
        routes.unavailable(many.verdicts().keySet(), many.anybody(), now);
        many.verdicts().forEach((topic, verdict) -> topicUnavailable(topic, verdict, now));
      }
    }
    return taken;
  }

  private int takeNews(long now) {
    int taken = 0;
    routes.lookForGivenUp(feeder::holds);
    for (LaneNews news = routes.news(now); news != null; news = routes.news(now)) {
      taken++;
      if (news instanceof LaneNews.Parked parked) {
        listener.tell(new Fact.TopicParked(parked.topic()));
      } else if (news instanceof LaneNews.Proven proven) {
        listener.tell(new Fact.TopicOpened(proven.topic()));
      } else if (news instanceof LaneNews.GivenUp givenUp) {
        listener.tell(new Fact.TopicForgotten(givenUp.topic()));
      } else if (news instanceof LaneNews.Resumed resumed) {
        listener.tell(new Fact.TopicResumed(resumed.topic()));
      } else if (news instanceof LaneNews.Stuck stuck) {
        Verdict verdict =
            stuck.verdict() instanceof Verdict.PauseTopic pause
                ? pause
                : noAck(stuck.topic(), stuck.verdict().error());
        bar(stuck.topic(), retries.trouble(routes.bar(stuck.topic()), verdict), now);
      }
      tell();
    }
    return taken;
  }

  private void strangers(String leftOut) {
    if (leftOut != null) {
      listener.tell(new Fact.Failed(Part.PEER, leftOut));
    } else if (strangersLeftOut) {
      listener.tell(new Fact.Recovered(Part.PEER));
    }
    strangersLeftOut = leftOut != null;
  }

  private void clusterSeen(Answer.ClusterSeen seen, long now) {
    Verdict verdict = seen.refusal();
    if (verdict == null) {
      boolean same = seen.id().equals(cluster);
      if (!same || !clusterTold) {
        clusterTold = true;
        listener.tell(new Fact.ClusterSeen(seen.id(), cluster));
      }
      if (!same) {
        settlement.cluster(seen.id());
        cluster = seen.id();
      }
      ackedBefore.seen(seen.id());
      // Its producer id is the other cluster's, who may have given it to somebody else here.
      verdict =
          seen.replaced()
              ? new Verdict.RebuildAndRewind("another cluster is there now: " + seen.id())
              : null;
    }
    if (verdict != null && state instanceof Connected connected) {
      listener.tell(new Fact.SendFailed(verdict, null));
      interrupted(connected, verdict, now, false);
    }
    if (seen.replaced()) {
      ackedBefore.forget(); // the other cluster has acked that
    }
  }

  private void senderLost(Answer.SenderLost lost, long now) {
    senderLost = true;
    listener.tell(new Fact.Failed(Part.THREAD, lost.error()));
    Verdict verdict = new Verdict.RebuildAndRewind("a thread has died: " + lost.error());
    if (state instanceof Connected connected) {
      listener.tell(new Fact.SendFailed(verdict, null));
      interrupted(connected, verdict, now, false);
    }
  }

  private void topicReady(Answer.TopicReady ready, long now) {
    boolean wasBarred = routes.isUnwritable(ready.topic()) && routes.bar(ready.topic()) != null;
    Verdict objection = routes.ready(ready.topic(), ready.partitions(), now);
    if (objection == null) {
      if (wasBarred && !routes.isUnwritable(ready.topic()) && !routes.isUnproven(ready.topic())) {
        listener.tell(new Fact.TopicOpened(ready.topic()));
      }
      tell();
    } else {
      topicUnavailable(ready.topic(), objection, now);
    }
  }

  private void connectFailed(Connecting connecting, Verdict verdict, long now) {
    Trouble trouble = retries.trouble(state.trouble(), verdict);
    long retry = retries.nextNanos(now, trouble);
    move(
        verdict instanceof Verdict.PauseAll
            ? connecting.pauseAll(trouble, retry)
            : connecting.rebuild(trouble, retry));
  }

  private void topicUnavailable(String topic, Verdict verdict, long now) {
    if (!(state instanceof Connected connected)) {
      return;
    }
    listener.tell(new Fact.SendFailed(verdict, topic));
    Trouble bar = routes.bar(topic);
    if (!(verdict instanceof Verdict.RetryLater)) {
      interrupted(connected, verdict, now, true);
    } else if (bar != null) {
      bar(topic, bar.again(bar.cause()), now);
      tell();
    } else if (routes.isUnwritable(topic)) {
      routes.retry(topic, retries.firstNanos(now));
    } else {
      move(connected.stall(retries.trouble(state.trouble(), verdict)));
      // Asking waits by itself for Kafka to come back.
      feeder.holdUntil(retries.firstNanos(now));
    }
  }

  /** Its events wait, and what is in flight of others goes on. */
  private void bar(String topic, Trouble trouble, long now) {
    routes.bar(topic, trouble, retries.nextNanos(now, trouble), now);
    listener.tell(new Fact.TopicBarred(topic, trouble));
  }

  private int takeFailures(long now) {
    int taken = 0;
    List<InFlight> postponed = new ArrayList<>();
    for (InFlight failed = failures.poll(); failed != null; failed = failures.poll()) {
      taken++;
      Verdict verdict = transport.judge(failed.topic(), failed.error());
      if (verdict instanceof Verdict.DeadLetter dead) {
        if (!failed.isDiscarded() && (dead.certain() || failed.isAlone())) {
          verdict = refusals.judge(failed, dead);
          if (verdict == dead) {
            listener.tell(new Fact.SendFailed(verdict, failed.topic()));
            ledger.die(failed, dead);
            continue;
          } else if (ledger.oldestIsDead()) {
            // A rewind would send again what is about to be settled as dead.
            postponed.add(failed);
            continue;
          }
        } else {
          feeder.suspect(failed.sequence());
        }
      }
      if (!failed.isDiscarded() && state instanceof Connected connected) {
        if (failed.isReplay()
            && verdict instanceof Verdict.PauseTopic pause
            && pause.reason() == PauseReason.POLICY) {
          giveUp(connected, failed, pause.error(), now);
          continue;
        }
        listener.tell(new Fact.SendFailed(verdict, failed.topic()));
        interrupted(connected, verdict, now, false);
      }
    }
    failures.addAll(postponed);
    return taken - postponed.size();
  }

  /**
   * A verdict ends a state that has a sender.
   *
   * @param nothingSent true if the verdict came before its record was handed over, so that what is
   *     in flight is not concerned
   */
  private void interrupted(Connected from, Verdict verdict, long now, boolean nothingSent) {
    if (verdict instanceof Verdict.PauseTopic pause) {
      Trouble known = routes.bar(pause.topic());
      Trouble trouble = retries.trouble(known == null ? state.trouble() : known, verdict);
      bar(pause.topic(), trouble, now);
      if (nothingSent) {
        tell();
      } else {
        rewind();
        move(from.rebuild(trouble, retries.nextNanos(now, trouble)));
      }
      return;
    }
    Trouble trouble = retries.trouble(state.trouble(), verdict);
    long retry = retries.nextNanos(now, trouble);
    rewind();
    if (verdict instanceof Verdict.PauseAll) {
      move(from.pauseAll(trouble, retry));
    } else if (verdict instanceof Verdict.Fenced) {
      move(from.fence(trouble));
    } else {
      move(from.rebuild(trouble, retry));
    }
  }

  private void rewind() {
    careful = true;
    transport.disconnect();
    listener.tell(new Fact.Rewound(ledger.discard()));
    feeder.rewind(clocks.nanos());
    stallWatch.reset();
    Settled settled = ledger.settled();
    arrivals.rewind(settled == null ? Bookmark.START : settled.bookmark());
  }

  private void keepTime(long now) {
    if (state instanceof Draining draining) {
      if (!ledger.awaitsAnything() || now - draining.deadlineNanos() >= 0) {
        move(draining.stopped());
      }
    } else if (state instanceof Waiting waiting) {
      if (now - waiting.retryNanos() >= 0) {
        connect(waiting.retry());
      }
    } else if (state instanceof Connected connected && !(state instanceof Renewing)) {
      if (stallWatch.look(now)) {
        watchForStall(connected, now);
      }
      routes.askAgain(now);
    }
    if (told.trouble() == null) {
      watchForAnswers(now);
    }
  }

  /** What asks blocks, elsewhere: that it hangs would be seen by nobody. */
  private void watchForAnswers(long now) {
    String topic = routes.unanswered(now, stallNanos);
    if (state instanceof Connecting connecting && now - connectingNanos >= stallNanos) {
      move(connecting.late(retries.trouble(null, late("the attempt to connect"))));
    } else if (state instanceof Connected connected && topic != null) {
      move(connected.stall(retries.trouble(null, late("the question for topic " + topic))));
    }
  }

  private static Verdict late(String what) {
    return new Verdict.RetryLater(what + " is not answered; see whether names can be looked up");
  }

  /** Brings the transport's new settings into use, without sending anything again if it can. */
  private void renew(long now) {
    if (state instanceof Renewing renewing) {
      if (ledger.awaitsKafka() && now - renewing.deadlineNanos() < 0) {
        return;
      }
      if (ledger.awaitsKafka()) {
        rewind();
      }
      connect(renewing.connect());
    } else if (state instanceof Connected connected) {
      move(connected.renew(now + RENEWAL_NANOS));
    } else if (state instanceof Waiting waiting) {
      connect(waiting.retry());
    } else if (state instanceof Connecting connecting) {
      connect(connecting);
    }
  }

  private void connect(Connecting connecting) {
    feeder.renew(clocks.nanos());
    stallWatch.reset();
    connectingNanos = clocks.nanos();
    move(connecting);
    transport.connect();
  }

  private void watchForStall(Connected connected, long now) {
    InFlight silent = stallWatch.silent();
    if (stallWatch.orderIsLost(now)) {
      String error = "no ack for topic " + silent.topic() + ", and its producer has lost the order";
      sent(connected, silent, new Verdict.RebuildAndRewind(error), now);
    } else if (silent != null && silent.isReplay() && !gaveUpSilent && stallWatch.isIgnored(now)) {
      gaveUpSilent = true;
      giveUp(connected, silent, "no ack for it; " + stallWatch.describe(), now);
    } else if (silent != null && routes.parks(silent.topic(), now)) {
      String error = "what is on its way of topic " + silent.topic() + " can't be called back";
      sent(connected, silent, new Verdict.RebuildAndRewind(error), now);
    } else if (routes.canPark() && !stallWatch.ignored(now).isEmpty()) {
      parkIgnored(connected, stallWatch.ignored(now), now);
    } else if (silent != null && (!(state instanceof Stalled) || now - nextQuestionNanos >= 0)) {
      String error = "no ack for topic " + silent.topic() + "; " + stallWatch.describe();
      Trouble trouble = retries.trouble(state.trouble(), new Verdict.RetryLater(error));
      move(connected.stall(trouble));
      nextQuestionNanos = retries.nextNanos(now, trouble);
      // It may have been deleted: Kafka's client would wait for it for ever.
      routes.ask(silent.topic(), now);
    } else if (silent == null && state instanceof Stalled stalled && !feeder.waitsForTopic(now)) {
      move(stalled.recovered());
    }
  }

  /** All of them at once: the sender of one can't go on with the others. */
  private void parkIgnored(Connected connected, List<InFlight> ignored, long now) {
    for (InFlight each : ignored) {
      Verdict verdict =
          noAck(each.topic(), "no ack for topic " + each.topic() + ", while others come");
      if (each == ignored.get(0)) {
        sent(connected, each, verdict, now);
      } else {
        listener.tell(new Fact.SendFailed(verdict, each.topic()));
        bar(each.topic(), retries.trouble(routes.bar(each.topic()), verdict), now);
      }
      routes.park(each.topic()); // it has waited for that
    }
  }

  private static Verdict noAck(String topic, String error) {
    return new Verdict.PauseTopic(topic, PauseReason.NO_ACK, error);
  }

  /** It can't be called back: it comes again with all that is in flight. */
  private void giveUp(Connected from, InFlight replay, String error, long now) {
    feeder.giveUp(replay.sequence(), error);
    sent(from, replay, new Verdict.RebuildAndRewind("a replayed dead letter fails: " + error), now);
  }

  /** A verdict on what was sent. */
  private void sent(Connected from, InFlight record, Verdict verdict, long now) {
    listener.tell(new Fact.SendFailed(verdict, record.topic()));
    interrupted(from, verdict, now, false);
  }

  private int feed(long now) {
    int fed = feeder.feed(careful, now);
    Verdict refused = feeder.refusal();
    if (refused != null) {
      listener.tell(new Fact.SendFailed(refused, feeder.refusedTopic()));
      if (refused instanceof Verdict.DeadLetter dead) {
        ledger.die(feeder.giveUpRefused(), dead);
      } else if (refused instanceof Verdict.RetryLater) {
        feeder.holdUntil(retries.firstNanos(now));
      } else if (state instanceof Connected connected) {
        interrupted(connected, refused, now, true);
      }
    }
    return fed;
  }

  private void move(DeliveryState to) {
    state = to;
    tell();
  }

  private void tell() {
    Standing before = told;
    told = standing();
    boolean same =
        before.label().equals(told.label()) && Objects.equals(before.trouble(), told.trouble());
    if (!same) {
      listener.tell(new Fact.StateChanged(before.label(), told.label(), told.trouble()));
    }
  }
}
