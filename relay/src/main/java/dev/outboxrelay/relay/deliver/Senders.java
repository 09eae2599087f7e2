package dev.outboxrelay.relay.deliver;

import dev.outboxrelay.relay.deliver.DeliveryState.Connected;
import dev.outboxrelay.relay.deliver.DeliveryState.Connecting;
import dev.outboxrelay.relay.deliver.DeliveryState.Draining;
import dev.outboxrelay.relay.deliver.DeliveryState.Probing;
import dev.outboxrelay.relay.deliver.DeliveryState.Renewing;
import dev.outboxrelay.relay.deliver.DeliveryState.Running;
import dev.outboxrelay.relay.deliver.DeliveryState.Stalled;
import dev.outboxrelay.relay.deliver.DeliveryState.Waiting;
import dev.outboxrelay.relay.deliver.route.Routes;
import dev.outboxrelay.relay.fact.DeadLetterReason;
import dev.outboxrelay.relay.fact.Fact;
import dev.outboxrelay.relay.fact.FactListener;
import dev.outboxrelay.relay.fact.Trouble;
import dev.outboxrelay.relay.fact.Verdict;
import dev.outboxrelay.relay.tail.Arrivals;
import dev.outboxrelay.relay.tail.Bookmark;
import java.util.Objects;
import java.util.concurrent.TimeUnit;

/**
 * The transport's senders, one after the other: begins with one, ends it by a verdict, and says
 * where delivery stands with it.
 *
 * <p>A failed record is never sent again on the same sender, as its successors may be acked
 * already: the sender is discarded and everything from the oldest unsettled record on is read and
 * sent again. For one thread.
 */
final class Senders {
  /** Acks take milliseconds; a sender of old settings may never get its own. */
  private static final long RENEWAL_NANOS = TimeUnit.SECONDS.toNanos(10);

  private final Arrivals arrivals;
  private final Routes routes;
  private final Transport transport;
  private final FactListener listener;
  private final RetryPlan retries;
  private final Clocks clocks;
  private final Feeder feeder;
  private final Ledger ledger;
  private final StallWatch stallWatch;
  private final long stallNanos;

  private DeliveryState state = new Connecting(null);
  private Standing told;

  /** Whether one record is sent at a time: from a rewind until Kafka answers. */
  private boolean careful;

  /** When the present attempt to connect began. */
  private long connectingNanos;

  /** Begins to connect. */
  Senders(
      Arrivals arrivals,
      Routes routes,
      Transport transport,
      FactListener listener,
      RetryPlan retries,
      Clocks clocks,
      Feeder feeder,
      Ledger ledger,
      StallWatch stallWatch,
      long stallNanos) {
    this.arrivals = arrivals;
    this.routes = routes;
    this.transport = transport;
    this.listener = listener;
    this.retries = retries;
    this.clocks = clocks;
    this.feeder = feeder;
    this.ledger = ledger;
    this.stallWatch = stallWatch;
    this.stallNanos = stallNanos;
    this.connectingNanos = clocks.nanos();
    this.told = standing();
    transport.connect();
  }

  DeliveryState state() {
    return state;
  }

  /** How it stands as a whole. */
  Standing standing() {
    return new Standing(state, routes.firstBar());
  }

  boolean areCareful() {
    return careful;
  }

  /** Whether one is there, on which a verdict has an effect. */
  boolean areConnected() {
    return state instanceof Connected;
  }

  /** One is there. */
  void connected() {
    if (state instanceof Connecting connecting) {
      move(connecting.connected(careful));
    }
  }

  /** None could be made. */
  void connectFailed(Verdict verdict, long now) {
    if (state instanceof Connecting connecting) {
      listener.tell(new Fact.SendFailed(verdict, null));
      Trouble trouble = retries.trouble(state.trouble(), verdict);
      long retry = retries.nextNanos(now, trouble);
      move(
          verdict instanceof Verdict.PauseAll
              ? connecting.pauseAll(trouble, retry)
              : connecting.rebuild(trouble, retry));
    }
  }

  /** Something was settled. */
  void settled() {
    careful &= !ledger.kafkaAnswered();
    if (!careful) {
      probed();
    }
  }

  /** One record at a time is no longer asked for. */
  void probed() {
    if (state instanceof Probing probing) {
      move(probing.over());
    }
  }

  /** A verdict on a record that was sent, or on the sender, which ends if there is one. */
  void interrupted(String topic, Verdict verdict, long now) {
    if (areConnected()) {
      listener.tell(new Fact.SendFailed(verdict, topic));
      end(verdict, now, false);
    }
  }

  /** A replay that can't be called back: it comes again with all that is in flight, as refused. */
  void giveUp(InFlight replay, String error, long now) {
    feeder.giveUp(
        replay.sequence(), new Verdict.DeadLetter(DeadLetterReason.REPLAY_FAILED, error, true));
    String why = "a replayed dead letter fails: " + error;
    interrupted(replay.topic(), new Verdict.RebuildAndRewind(why), now);
  }

  /** A verdict that came before its record was handed over, so what is in flight may go on. */
  void refused(Verdict verdict, long now) {
    if (areConnected()) {
      end(verdict, now, true);
    }
  }

  private void end(Verdict verdict, long now, boolean nothingSent) {
    Connected from = (Connected) state;
    if (verdict instanceof Verdict.PauseTopic pause) {
      Trouble known = routes.bar(pause.topic());
      Trouble trouble = known == null ? ofSender(verdict) : retries.trouble(known, verdict);
      bar(pause.topic(), trouble, now);
      if (nothingSent) {
        tell();
      } else {
        rewind();
        move(from.rebuild(trouble, retries.firstNanos(now))); // other topics are well
      }
      return;
    }
    Trouble trouble = ofSender(verdict);
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

  /** Questions that had no answer are no attempts to make a sender. */
  private Trouble ofSender(Verdict verdict) {
    return areStalled()
        ? retries.first(state.trouble(), verdict)
        : retries.trouble(state.trouble(), verdict);
  }

  /** The topic's events wait, and what is in flight of others goes on. */
  void bar(String topic, Trouble trouble, long now) {
    routes.bar(topic, trouble, retries.nextNanos(now, trouble), now);
    listener.tell(new Fact.TopicBarred(topic, trouble));
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

  /** Kafka is waited for; returns what is told of it. */
  Trouble stall(Verdict verdict) {
    Trouble trouble = retries.trouble(state.trouble(), verdict);
    if (state instanceof Connected connected) {
      move(connected.stall(trouble));
    }
    return trouble;
  }

  boolean areStalled() {
    return state instanceof Stalled;
  }

  /** Kafka is not waited for any more. */
  void recovered() {
    if (state instanceof Stalled stalled) {
      move(stalled.recovered());
    }
  }

  /** Nothing more is sent, what is in flight may finish. */
  void drain(long deadlineNanos) {
    if (state instanceof Running running) {
      move(running.drain(deadlineNanos));
    }
  }

  /** Does what it is time for; returns whether there is a sender to go on with. */
  boolean keepTime(long now) {
    if (state instanceof Draining draining) {
      if (!ledger.awaitsAnything() || now - draining.deadlineNanos() >= 0) {
        move(draining.stopped());
      }
    } else if (state instanceof Waiting waiting && now - waiting.retryNanos() >= 0) {
      connect(waiting.retry());
    }
    return areConnected() && !(state instanceof Renewing);
  }

  /** What asks blocks, elsewhere: that it hangs would be seen by nobody. */
  void watchForAnswers(long now) {
    if (told.trouble() != null) {
      return;
    }
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
  void renew(long now) {
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

  private void move(DeliveryState to) {
    state = to;
    tell();
  }

  /** Tells where delivery stands, if that is new. */
  void tell() {
    Standing before = told;
    told = standing();
    boolean same =
        before.label().equals(told.label()) && Objects.equals(before.trouble(), told.trouble());
    if (!same) {
      listener.tell(new Fact.StateChanged(before.label(), told.label(), told.trouble()));
    }
  }
}
