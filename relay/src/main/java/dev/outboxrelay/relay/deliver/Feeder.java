package dev.outboxrelay.relay.deliver;

import dev.outboxrelay.relay.deliver.route.Admission;
import dev.outboxrelay.relay.deliver.route.Routes;
import dev.outboxrelay.relay.fact.DeadLetterReason;
import dev.outboxrelay.relay.fact.PauseReason;
import dev.outboxrelay.relay.fact.Verdict;
import dev.outboxrelay.relay.tail.Arrival;
import dev.outboxrelay.relay.tail.Arrivals;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Queue;
import java.util.Set;

/**
 * Hands arrivals to the transport, in order, as far as the window has room and routes admit them.
 * What its route does not admit yet waits in the window, and what comes behind it of the same
 * topic; others go on. For one thread.
 */
final class Feeder {
  private static final int MOST_PER_TURN = 1024;

  private final Arrivals arrivals;
  private final Routes routes;
  private final Transport transport;
  private final Settlement settlement;
  private final Window window;
  private final AckedBefore ackedBefore;
  private final Queue<InFlight> failures;
  private final long stallNanos;
  private final WaitingRoom room = new WaitingRoom();

  /** Sequences that a batch was refused for, perhaps wrongly: each is tried alone. */
  private final Set<Long> suspects = new HashSet<>();

  /** What is a dead letter, or will be one: it may come again after a rewind. */
  private final Map<Long, Verdict.DeadLetter> givenUp = new HashMap<>();

  /** The next arrival, for which the window has no room, or the one that was refused. */
  private Arrival held;

  private InFlight alone;
  private long holdUntilNanos;
  private boolean holding;
  private boolean oneAtATime;
  private int fed;
  private Verdict refusal;

  /** The record that was refused, if it waits in the window; else it is held. */
  private InFlight refused;

  private String refusedTopic;

  Feeder(
      Arrivals arrivals,
      Routes routes,
      Transport transport,
      Settlement settlement,
      Window window,
      AckedBefore ackedBefore,
      Queue<InFlight> failures,
      long stallNanos) {
    this.arrivals = arrivals;
    this.routes = routes;
    this.transport = transport;
    this.settlement = settlement;
    this.window = window;
    this.ackedBefore = ackedBefore;
    this.failures = failures;
    this.stallNanos = stallNanos;
  }

  /**
   * Hands over what it can.
   *
   * @param careful whether each record has to wait for the result of the one before, or until that
   *     takes too long: it may be its topic's fault
   * @return how many arrivals went into the window, or out of where they waited
   */
  int feed(boolean careful, long now) {
    oneAtATime = careful;
    refusal = null;
    refused = null;
    fed = 0;
    if (holding && now - holdUntilNanos < 0) {
      return 0;
    }
    holding = false;
    if (!room.isEmpty()) {
      room.tryAll(waiting -> goesOn(waiting, now), this::isEnough);
    }
    while (!isEnough() && hasNext() && next(now)) {
      fed++;
    }
    return fed;
  }

  private boolean isEnough() {
    return fed >= MOST_PER_TURN || refusal != null;
  }

  private boolean hasNext() {
    if (held == null) {
      held = arrivals.poll();
    }
    return held != null;
  }

  private boolean next(long now) {
    if (held instanceof Arrival.Damage damage) {
      if (!window.hasRoomFor(0)) {
        return false;
      }
      InFlight record = new InFlight(damage, failures);
      window.add(record);
      settlement.quarantine(record, damage.reason());
      held = null;
      return true;
    }
    if (!(held instanceof Arrival.Event event)) {
      return false; // of another version: FORMAT I11
    }
    if (!window.hasRoomFor(event.record().length())) {
      if (!room.isEmpty()) {
        routes.makeRoom(now);
        room.tryAll(waiting -> goesOn(waiting, now), this::isEnough);
      }
      return false;
    }
    return take(event, now);
  }

  /** Sends an event that comes from the queue, or has it wait; false if it is to come again. */
  private boolean take(Arrival.Event event, long now) {
    InFlight record = new InFlight(event, failures);
    boolean waits = !room.isEmpty() && room.holds(record.topic());
    if (!waits) {
      switch (handOver(event, record, now)) {
        case DONE -> {}
        case WAITS -> waits = true;
        case NOT_NOW -> {
          return false;
        }
      }
    }
    if (waits) {
      room.add(new WaitingRoom.Waiting(event, record));
    }
    window.add(record);
    held = null;
    return true;
  }

  private boolean goesOn(WaitingRoom.Waiting waiting, long now) {
    boolean done = handOver(waiting.event(), waiting.record(), now) == HandOver.DONE;
    if (done) {
      fed++;
    } else if (refusal != null) {
      refused = waiting.record();
    }
    return done;
  }

  /** What becomes of an event. */
  private enum HandOver {
    /** It is on its way. */
    DONE,
    /** Its topic is to wait. */
    WAITS,
    /** All are to wait. */
    NOT_NOW
  }

  private HandOver handOver(Arrival.Event event, InFlight record, long now) {
    if (ackedBefore.has(record)) {
      if (ackedBefore.isConfirmed()) {
        ackedBefore.settle(record);
        return HandOver.DONE;
      } else if (!routes.isOpen(record.topic(), now)) {
        routes.askUnlessBarred(record.topic(), now);
        return HandOver.WAITS; // what comes behind it could be parked before it
      }
      // The topic is there, and which cluster this is its brokers do not tell.
    }
    Verdict.DeadLetter dead = givenUp(record);
    if (dead != null) {
      record.die();
      settlement.deadLetter(record, dead);
      return HandOver.DONE; // else it could be delivered, too, or parked and die once more
    }
    Admission admission = routes.admit(event.record(), now);
    if (admission instanceof Admission.Send admitted) {
      return send(event, record, admitted, now);
    } else if (admission instanceof Admission.Park park) {
      return park(event, record, park);
    } else if (admission instanceof Admission.Refused verdict) {
      refuse(record, verdict.verdict());
      return HandOver.NOT_NOW;
    }
    return HandOver.WAITS;
  }

  private Verdict.DeadLetter givenUp(InFlight record) {
    Verdict.DeadLetter inThisRun = givenUp.isEmpty() ? null : givenUp.get(record.sequence());
    DeadLetterReason before = settlement.diedBefore(record);
    return before == null ? inThisRun : new Verdict.DeadLetter(before, "in an earlier run", true);
  }

  private HandOver park(Arrival.Event event, InFlight record, Admission.Park park) {
    if (park.begins() && window.mayRepeat(record.topic())) {
      // It could fail, and be parked behind this one.
      String error = "what is on its way of topic " + record.topic() + " can't be called back";
      refuse(record, new Verdict.RebuildAndRewind(error));
      return HandOver.NOT_NOW;
    }
    record.park();
    routes.parked(event.record());
    settlement.park(record);
    return HandOver.DONE;
  }

  private HandOver send(Arrival.Event event, InFlight record, Admission.Send admitted, long now) {
    boolean suspect = !suspects.isEmpty() && suspects.contains(record.sequence());
    boolean solitary = oneAtATime || suspect;
    if (oneAtATime && window.awaitsKafkaSince(now - stallNanos)) {
      return HandOver.NOT_NOW;
    }
    if (isInTheWay(record.topic()) || (solitary && window.awaitsKafka(record.topic()))) {
      return HandOver.WAITS;
    }
    boolean apart = solitary || (admitted.introduces() && !window.awaitsKafka(record.topic()));
    window.sending(record.topic());
    record.sending(now, admitted.partition(), apart);
    Verdict verdict = transport.send(event.record(), admitted.partition(), record);
    if (verdict != null) {
      record.notSent();
      refuse(record, verdict);
      if (!(verdict instanceof Verdict.DeadLetter)) {
        routes.refused(record.topic());
      }
      return HandOver.NOT_NOW;
    }
    routes.sent(event.record(), admitted, record, now);
    if (solitary) {
      alone = record;
    }
    return HandOver.DONE;
  }

  /** Whether one of its topic is on its way that is tried alone. */
  private boolean isInTheWay(String topic) {
    if (alone != null && !alone.awaitsKafka()) {
      alone = null;
    }
    return alone != null && alone.topic().equals(topic);
  }

  private void refuse(InFlight record, Verdict verdict) {
    refusal = verdict;
    if (record.isReplay()
        && verdict instanceof Verdict.PauseTopic pause
        && pause.reason() == PauseReason.PARTITION_MISSING) {
      routes.forgo(record.topic());
      refusal = new Verdict.DeadLetter(DeadLetterReason.REPLAY_FAILED, pause.error(), true);
    }
    refusedTopic = record.topic();
  }

  /** Whether the next arrival waits for room in the window. */
  boolean waitsForRoom() {
    if (held instanceof Arrival.Damage) {
      return !window.hasRoomFor(0);
    }
    return held instanceof Arrival.Event event && !window.hasRoomFor(event.record().length());
  }

  /** Whether an answer about the topic of an event that waits is awaited. */
  boolean waitsForTopic(long now) {
    return room.topics().stream()
        .anyMatch(topic -> !routes.keepsBack(topic) && !routes.isOpen(topic, now));
  }

  /** Whether an event of a topic is here, and not done with. */
  boolean holds(String topic) {
    return room.holds(topic)
        || window.awaitsKafka(topic)
        || (held instanceof Arrival.Event event && event.record().topic().equals(topic));
  }

  /** Hands over nothing until then. */
  void holdUntil(long nanos) {
    holding = true;
    holdUntilNanos = nanos;
  }

  /** Why the last {@link #feed} ended, if a record was refused; else null. */
  Verdict refusal() {
    return refusal;
  }

  /** The topic of the record that was refused last. */
  String refusedTopic() {
    return refusedTopic;
  }

  /** What another version wrote and is held, so that nothing more comes; or null. */
  Arrival.OtherFormat otherFormat() {
    return held instanceof Arrival.OtherFormat other ? other : null;
  }

  /** The refused record is in the window then, and is sent no more. */
  InFlight giveUpRefused(Verdict.DeadLetter why) {
    InFlight record = refused;
    if (record != null) {
      room.removeFirst(record.topic());
    } else {
      record = new InFlight((Arrival.Event) held, failures);
      window.add(record);
      held = null;
    }
    giveUp(record.sequence(), why);
    return record;
  }

  /** A record that may have been refused for a neighbour's fault; from now on it is tried alone. */
  void suspect(long sequence) {
    suspects.add(sequence);
  }

  /** A record of this sequence is not sent any more. */
  void giveUp(long sequence, Verdict.DeadLetter why) {
    givenUp.put(sequence, why);
  }

  /** Everything up to this sequence is settled. */
  void settledUpTo(long sequence) {
    if (!suspects.isEmpty()) {
      suspects.removeIf(suspect -> suspect <= sequence);
    }
    givenUp.keySet().removeIf(each -> each <= sequence);
  }

  /** Forgets what it knows of the present sender: another one follows. */
  void renew(long now) {
    alone = null;
    ackedBefore.renew();
    routes.renew(now);
    holding = false;
  }

  /** The same, and reading begins anew somewhere else. */
  void rewind(long now) {
    renew(now);
    room.clear();
    held = null;
    refusal = null;
  }

  /** Append time of the event that is held, milliseconds since the epoch. */
  OptionalLong heldAppendMillis() {
    return held instanceof Arrival.Event event
        ? OptionalLong.of(event.record().appendTime())
        : OptionalLong.empty();
  }
}
