package dev.outboxrelay.relay.deliver;

import dev.outboxrelay.relay.deliver.route.LaneNews;
import dev.outboxrelay.relay.deliver.route.Routes;
import dev.outboxrelay.relay.fact.Fact;
import dev.outboxrelay.relay.fact.FactListener;
import dev.outboxrelay.relay.fact.Verdict;
import dev.outboxrelay.relay.tail.Arrival;
import dev.outboxrelay.relay.tail.Arrivals;
import java.util.OptionalLong;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.random.RandomGenerator;

/**
 * Takes arrivals in order, hands them to the transport, and settles them in order. One turn is
 * {@link #doWork}; nothing in it blocks. Which state it is in, and how it gets from one to another,
 * is drawn at {@link DeliveryState}. For one thread.
 */
public final class Delivery {
  private final Routes routes;
  private final Transport transport;
  private final FactListener listener;
  private final RetryPlan retries;
  private final Clocks clocks;
  private final Feeder feeder;
  private final Ledger ledger;
  private final AckedBefore ackedBefore = new AckedBefore();
  private final Senders senders;
  private final Answers answers;
  private final Failures failures;
  private final Stalls stalls;

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
    this.routes = routes;
    this.transport = transport;
    this.listener = listener;
    this.retries = new RetryPlan(limits.backoff(), random, clocks);
    this.clocks = clocks;
    Window window = new Window(limits.maxRecords(), limits.maxBytes(), limits.lease());
    Refusals refusals = new Refusals(limits.refusalsInARow(), limits.refusedBefore(), window);
    this.ledger =
        new Ledger(
            window, ackedBefore, transport.acks(), refusals, settlement, listener, clocks, start);
    long stall = limits.stall().toNanos();
    Queue<InFlight> failed = new ConcurrentLinkedQueue<>();
    this.feeder =
        new Feeder(arrivals, routes, transport, settlement, window, ackedBefore, failed, stall);
    StallWatch watch = new StallWatch(window, routes, transport, limits, clocks.nanos());
    this.senders =
        new Senders(
            arrivals, routes, transport, listener, retries, clocks, feeder, ledger, watch, stall);
    this.answers =
        new Answers(
            transport,
            routes,
            settlement,
            listener,
            retries,
            feeder,
            ackedBefore,
            senders,
            cluster);
    this.failures = new Failures(failed, transport, refusals, feeder, ledger, listener, senders);
    this.stalls = new Stalls(watch, routes, feeder, senders, retries, listener);
  }

  /** One turn; returns how much was done. */
  public int doWork() {
    long now = clocks.nanos();
    // What was acked before a failure need not be sent again after it.
    int work = answers.take(now) + settle() + failures.take(now) + takeNews(now);
    if (senders.keepTime(now)) {
      stalls.look(now);
      routes.askAgain(now);
    }
    senders.watchForAnswers(now);
    if (transport.isOutdated()) {
      senders.renew(now);
    }
    work += state().sends() ? feed(now) : 0;
    if (ledger.inFlight() == 0 && ackedBefore.isConfirmed()) {
      senders.probed();
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
    senders.drain(deadlineNanos);
  }

  /** Where it stands with its sender. */
  public DeliveryState state() {
    return senders.state();
  }

  /** How it stands as a whole. */
  public Standing standing() {
    return senders.standing();
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
      senders.settled();
    }
    return settled;
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
        stalls.ofLane(stuck.topic(), stuck.verdict(), now);
      }
      senders.tell();
    }
    return taken;
  }

  private int feed(long now) {
    int fed = feeder.feed(senders.areCareful(), now);
    Verdict refused = feeder.refusal();
    if (refused != null) {
      listener.tell(new Fact.SendFailed(refused, feeder.refusedTopic()));
      if (refused instanceof Verdict.DeadLetter dead) {
        ledger.die(feeder.giveUpRefused(dead), dead);
      } else if (refused instanceof Verdict.RetryLater) {
        feeder.holdUntil(retries.firstNanos(now));
      } else {
        senders.refused(refused, now);
      }
    }
    return fed;
  }
}
