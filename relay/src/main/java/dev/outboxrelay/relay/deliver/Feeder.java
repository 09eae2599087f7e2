package dev.outboxrelay.relay.deliver;

import dev.outboxrelay.relay.deliver.route.Admission;
import dev.outboxrelay.relay.deliver.route.Routes;
import dev.outboxrelay.relay.fact.Verdict;
import dev.outboxrelay.relay.tail.Arrival;
import dev.outboxrelay.relay.tail.Arrivals;
import java.util.HashSet;
import java.util.OptionalLong;
import java.util.Queue;
import java.util.Set;

/**
 * Hands arrivals to the transport, in order, as far as the window has room and routes admit them.
 * The one that can't be handed over is held and tried again. For one thread.
 */
final class Feeder {
  private static final int MOST_PER_TURN = 1024;

  private final Arrivals arrivals;
  private final Routes routes;
  private final Transport transport;
  private final Settlement settlement;
  private final Window window;
  private final Queue<InFlight> failures;

  /** Sequences that a batch was refused for, perhaps wrongly: each is tried alone. */
  private final Set<Long> suspects = new HashSet<>();

  private Arrival held;
  private InFlight alone;
  private long holdUntilNanos;
  private boolean holding;
  private Verdict refusal;

  Feeder(
      Arrivals arrivals,
      Routes routes,
      Transport transport,
      Settlement settlement,
      Window window,
      Queue<InFlight> failures) {
    this.arrivals = arrivals;
    this.routes = routes;
    this.transport = transport;
    this.settlement = settlement;
    this.window = window;
    this.failures = failures;
  }

  /**
   * Hands over what it can.
   *
   * @param oneAtATime whether each record has to wait for the result of the one before
   * @return how many arrivals went into the window
   */
  int feed(boolean oneAtATime, long now) {
    refusal = null;
    if (holding && now - holdUntilNanos < 0) {
      return 0;
    }
    holding = false;
    int fed = 0;
    while (fed < MOST_PER_TURN && refusal == null && mayGoOn() && next(oneAtATime, now)) {
      fed++;
    }
    return fed;
  }

  private boolean mayGoOn() {
    if (alone != null && !alone.awaitsKafka()) {
      alone = null;
    }
    if (held == null) {
      held = arrivals.poll();
    }
    return held != null && alone == null;
  }

  private boolean next(boolean oneAtATime, long now) {
    if (held instanceof Arrival.Damage damage) {
      if (!window.hasRoomFor(0)) {
        return false;
      }
      InFlight record = new InFlight(damage, now, failures);
      window.add(record);
      settlement.quarantine(record, damage.reason());
      held = null;
      return true;
    }
    if (!(held instanceof Arrival.Event event)) {
      return false; // of another version: FORMAT I11
    }
    boolean solitary =
        oneAtATime || (!suspects.isEmpty() && suspects.contains(event.record().sequence()));
    if (solitary && window.oldestAwaitingKafka() != null) {
      return false;
    }
    return window.hasRoomFor(event.record().length()) && send(event, solitary, now);
  }

  private boolean send(Arrival.Event event, boolean solitary, long now) {
    Admission admission = routes.admit(event.record(), now);
    if (admission instanceof Admission.Refused refused) {
      refusal = refused.verdict();
    }
    return admission instanceof Admission.Send admitted && send(event, admitted, solitary, now);
  }

  private boolean send(Arrival.Event event, Admission.Send admitted, boolean solitary, long now) {
    String topic = event.record().topic();
    boolean apart = solitary || (admitted.introduces() && !window.awaitsKafka(topic));
    InFlight record = new InFlight(event, now, apart, failures);
    refusal = transport.send(event.record(), admitted.partition(), record);
    if (refusal != null) {
      if (!(refusal instanceof Verdict.DeadLetter)) {
        routes.refused(topic);
      }
      return false;
    }
    routes.sent(event.record(), admitted, record, now);
    window.add(record);
    alone = solitary ? record : null;
    held = null;
    return true;
  }

  /** Whether an answer about the next record's topic is awaited. */
  boolean waitsForTopic(long now) {
    String topic = heldTopic();
    return topic != null && routes.bar(topic) == null && !routes.isOpen(topic, now);
  }

  /** Hands over nothing until then. */
  void holdUntil(long nanos) {
    holding = true;
    holdUntilNanos = nanos;
  }

  /** Why the last {@link #feed} ended, if the transport refused a record; else null. */
  Verdict refusal() {
    return refusal;
  }

  /** The topic of the record that is held, or null. */
  String heldTopic() {
    return held instanceof Arrival.Event event ? event.record().topic() : null;
  }

  /** What another version wrote and is held, so that nothing more comes; or null. */
  Arrival.OtherFormat otherFormat() {
    return held instanceof Arrival.OtherFormat other ? other : null;
  }

  /** Puts the refused record into the window, without sending it. */
  InFlight giveUpHeld(long now) {
    InFlight record = new InFlight((Arrival.Event) held, now, true, failures);
    window.add(record);
    held = null;
    return record;
  }

  /** A record that may have been refused for a neighbour's fault; from now on it is tried alone. */
  void suspect(long sequence) {
    suspects.add(sequence);
  }

  /** Everything up to this sequence is settled. */
  void settledUpTo(long sequence) {
    if (!suspects.isEmpty()) {
      suspects.removeIf(suspect -> suspect <= sequence);
    }
  }

  /** Forgets what it knows of the present sender: another one follows. */
  void renew(long now) {
    alone = null;
    routes.renew(now);
    holding = false;
  }

  /** The same, and reading begins anew somewhere else. */
  void rewind(long now) {
    renew(now);
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
