package dev.outboxrelay.relay.deliver.route;

import dev.outboxrelay.relay.deliver.route.RouteState.Asked;
import dev.outboxrelay.relay.deliver.route.RouteState.Barred;
import dev.outboxrelay.relay.deliver.route.RouteState.Closing;
import dev.outboxrelay.relay.deliver.route.RouteState.Draining;
import dev.outboxrelay.relay.deliver.route.RouteState.Introducing;
import dev.outboxrelay.relay.deliver.route.RouteState.Laned;
import dev.outboxrelay.relay.deliver.route.RouteState.Open;
import dev.outboxrelay.relay.deliver.route.RouteState.Parked;
import dev.outboxrelay.relay.deliver.route.RouteState.Unknown;
import dev.outboxrelay.relay.deliver.route.RouteState.Unwritable;
import dev.outboxrelay.relay.fact.PauseReason;
import dev.outboxrelay.relay.fact.Trouble;
import dev.outboxrelay.relay.fact.Verdict;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;

/** All that is known of one topic. For one thread. */
final class Route {
  /** Kafka's client forgets a topic after five idle minutes; it is asked for again before that. */
  private static final long IDLE_NANOS = TimeUnit.SECONDS.toNanos(120);

  /** So many events a lane delivers while others of its topic wait for that. */
  private static final long FEW_LEFT = 1_000;

  /** How long these wait at most, and how long that is not tried again. */
  private static final long CLOSING_NANOS = TimeUnit.SECONDS.toNanos(5);

  private static final int NONE = -1;

  /** So often, one after the other, it is asked for with others at most: that creates no topic. */
  private static final int WITH_OTHERS = 3;

  private final String topic;

  /** Of its events, all up to this sequence are parked, or were. */
  private long parkedUpTo;

  /** Whether there is something for its lane to begin with. */
  private boolean hasParked;

  private final Introductions introductions = new Introductions();
  private RouteState state = new Unknown(null);
  private int partitions;

  /** How often it was asked for with others since it was asked for alone. */
  private int askedWithOthers = WITH_OTHERS - 1;

  private long usedNanos;
  private long foundNanos;
  private int comparedUpdates = NONE;

  /** A partition that an event names and the topic does not have. */
  private int wanted = NONE;

  /** Whether a question finds nothing wrong with it, though nothing was acked: its lane tries. */
  private boolean unproven;

  /**
   * Nothing is known of it.
   *
   * @param parkedUpTo the sequence of its event that was parked last
   */
  Route(String topic, long parkedUpTo) {
    this.topic = topic;
    this.parkedUpTo = parkedUpTo;
    this.hasParked = parkedUpTo > 0;
  }

  String topic() {
    return topic;
  }

  /** Partitions as of the latest answer; 0 before the first. */
  int partitions() {
    return partitions;
  }

  /** Whether it may be written, as far as is known now. */
  boolean isOpen(long now) {
    return state.isOpen() && now - usedNanos < IDLE_NANOS;
  }

  /** Whether brokers have said since then that it is there. */
  boolean isFoundSince(long nanos) {
    return partitions > 0 && foundNanos - nanos >= 0;
  }

  /** Whether the number of partitions was compared when the sender knew as much as now. */
  boolean isComparedWith(int updates) {
    return comparedUpdates == updates;
  }

  void comparedWith(int updates) {
    comparedUpdates = updates;
  }

  /** It is asked for; what is open is asked whether it is still there. */
  void asked(boolean alone) {
    askedWithOthers = alone ? 0 : askedWithOthers + 1;
    if (state instanceof Unknown unknown) {
      state = unknown.ask();
    }
  }

  /** It is to be asked for before anything else is sent; what brokers have heard stays known. */
  void doubt() {
    if (state instanceof Open open) {
      state = open.doubt();
    } else if (state instanceof Introducing introducing) {
      state = introducing.doubt();
    }
  }

  /**
   * Whether the next question is its own: where brokers create topics that are named, they do it
   * then. So it is after the first one with others.
   */
  boolean isToBeAskedForAlone() {
    return askedWithOthers >= WITH_OTHERS;
  }

  /** It can't be written; asked for again at that time. */
  void bar(Trouble trouble, long retryNanos, long now) {
    state = state.bar(trouble, retryNanos, now);
  }

  /** What bars it, or null. */
  Trouble trouble() {
    return state.trouble();
  }

  /** Whether it is known that it can't be written, or was when its lane was filled. */
  boolean isUnwritable() {
    return state instanceof Unwritable;
  }

  /** When it is to be asked for again; empty if it is not known that it can't be written. */
  OptionalLong retryNanos() {
    return state instanceof Unwritable unwritable
        ? OptionalLong.of(unwritable.retryNanos())
        : OptionalLong.empty();
  }

  /** Whether it has been barred since then or before. */
  boolean isBarredSince(long nanos) {
    return state instanceof Barred barred && barred.sinceNanos() - nanos <= 0;
  }

  /** It counts as barred since then at the latest. */
  void barredSince(long nanos) {
    if (state instanceof Barred barred && barred.sinceNanos() - nanos > 0) {
      state = barred.since(nanos);
    }
  }

  /** It is asked for again at that time. */
  void retry(long nextNanos) {
    if (state instanceof Unwritable unwritable) {
      state = unwritable.retry(nextNanos);
    }
  }

  /** Its events go to its lane from now on. */
  void park() {
    if (state instanceof Barred barred) {
      state = barred.park();
      partitions = 0; // nothing of it is on its way to one of them
    }
  }

  /** An earlier run has left something in its lane. */
  void left(long now) {
    state = new Parked(null, now);
    hasParked = true;
  }

  /** Whether its lane may hold something. */
  boolean hasLane() {
    return state instanceof Laned;
  }

  /** Whether only its lane can tell that it can be written, and has not yet. */
  boolean isUnproven() {
    return unproven && hasLane();
  }

  /** Whether its events go to its lane. */
  boolean parks() {
    return state instanceof Laned laned && laned.parks();
  }

  /**
   * Whether an event is to be looked for in its lane, though that is closed: it was parked and
   * comes again, as some before it were not settled.
   */
  boolean mayHaveParked(long sequence) {
    return sequence <= parkedUpTo && !(state instanceof Unwritable) && !(state instanceof Laned);
  }

  /** Its lane is to deliver once more. */
  void reopen(long now) {
    state = new Draining(null, now);
  }

  void parked(long sequence) {
    parkedUpTo = Math.max(parkedUpTo, sequence);
    hasParked = true;
  }

  long parkedUpTo() {
    return parkedUpTo;
  }

  /**
   * Takes note of how far its lane is that is to deliver.
   *
   * @return what is new; null if nothing is
   */
  LaneNews look(Lanes lanes, long now) {
    Lanes.Progress progress = lanes.progress(topic);
    boolean isStuck = progress instanceof Lanes.Progress.Stuck;
    if (progress instanceof Lanes.Progress.Stuck stuck && !lanes.isEmpty(topic, parkedUpTo)) {
      return new LaneNews.Stuck(topic, stuck.verdict());
    }
    if (unproven && (lanes.hasSettled(topic) || lanes.isEmpty(topic, parkedUpTo))) {
      unproven = false;
      return new LaneNews.Proven(topic);
    }
    if (isStuck && state instanceof Draining draining) {
      state = draining.empty(); // by replays alone, for which nothing waits
      return new LaneNews.Resumed(topic);
    }
    if (state instanceof Closing closing) {
      if (lanes.isEmpty(topic, parkedUpTo)) {
        state = closing.empty();
        return new LaneNews.Resumed(topic);
      }
      if (now - closing.deadlineNanos() >= 0) {
        closeLater(now);
      }
    } else if (state instanceof Draining draining
        && now - draining.notBeforeNanos() >= 0
        && progress instanceof Lanes.Progress.Delivering delivering
        && delivering.events() <= FEW_LEFT) {
      state = draining.close(now + CLOSING_NANOS);
    }
    return null;
  }

  /** What comes goes to its lane again, for some time. */
  void closeLater(long now) {
    if (state instanceof Closing closing) {
      state = closing.late(now + CLOSING_NANOS);
    }
  }

  /** Nothing of it waits any more, here or in its lane. */
  void forget() {
    if (state instanceof Unwritable unwritable) {
      state = unwritable.forget();
      wanted = NONE;
    }
  }

  /** Another sender follows: of that nobody has heard. */
  void renew(long now) {
    if (state instanceof Unwritable unwritable) {
      state = unwritable.renew(now);
    }
    partitions = 0;
    introductions.forget();
  }

  /** No answer, or not the one that was wanted. */
  void unavailable() {
    if (state instanceof Asked asked) {
      state = asked.unavailable();
    }
  }

  /**
   * It is there.
   *
   * @return what follows from that together with what was known before; null if nothing does
   */
  Verdict ready(int partitionsNow, long now) {
    int before = partitions;
    partitions = partitionsNow;
    introductions.partitions(partitionsNow);
    usedNanos = now;
    foundNanos = now;
    comparedUpdates = NONE; // more may have been heard of since the answer
    if (before > partitionsNow) {
      // What was sent to a partition that is gone waits there, for the client will not move it.
      unavailable();
      String error = "topic " + topic + " was created anew with fewer partitions";
      return new Verdict.RebuildAndRewind(error);
    }
    if (wanted >= partitionsNow) {
      unavailable();
      return missing();
    }
    wanted = NONE;
    if (state instanceof Asked asked) {
      state = asked.ready();
    } else if (state instanceof Barred barred) {
      state = barred.ready();
    } else if (state instanceof Parked parked && hasParked) {
      state = parked.ready(now);
      unproven =
          parked.trouble() != null
              && parked.trouble().cause() instanceof Verdict.PauseTopic pause
              && (pause.reason() == PauseReason.NO_ACK || pause.reason() == PauseReason.LANE);
    }
    return null;
  }

  /** An event waits for a partition that the topic does not have. */
  Verdict want(int partition) {
    wanted = partition;
    return missing();
  }

  /** None waits for it any more. */
  void forgo() {
    wanted = NONE;
  }

  private Verdict missing() {
    String error =
        "an event names partition %d of topic %s, which has only %d"
            .formatted(wanted, topic, partitions);
    return new Verdict.PauseTopic(topic, PauseReason.PARTITION_MISSING, error);
  }

  /** Whether the first record of a partition is on its way, so that others wait. */
  boolean isIntroducing(long now) {
    if (!(state instanceof Introducing introducing)) {
      return false;
    }
    if (introducing.first().awaitsKafka()) {
      return true;
    }
    state = introducing.over();
    introductions.acked(introducing.first().ackedPartition(), now);
    return false;
  }

  /**
   * Whether no broker has acked anything yet, or not for long, in this partition, to which a record
   * goes now. False for {@link TopicSource#ANY}: without a key there is no order to keep among
   * several partitions.
   */
  boolean introduces(int partition, long now) {
    int target = partitions == 1 ? 0 : partition;
    return target != TopicSource.ANY && introductions.isNeeded(target, now);
  }

  /** A record was handed over. */
  void sent(Admission.Send admission, Introduction record, long now) {
    usedNanos = now;
    introductions.heard(partitions == 1 ? 0 : admission.partition(), now);
    if (admission.introduces() && state instanceof Open open) {
      state = open.introduce(record);
    }
  }
}
