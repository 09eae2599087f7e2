package dev.outboxrelay.relay.deliver;

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
 * Hands arrivals to the transport, in order, as far as the window has room and topics are known.
 * The one that can't be handed over is held and tried again. For one thread.
 */
final class Feeder {
  private static final int MOST_PER_TURN = 1024;

  private final Arrivals arrivals;
  private final Transport transport;
  private final Settlement settlement;
  private final Window window;
  private final Queue<InFlight> failures;

  /** Sequences that a batch was refused for, perhaps wrongly: each is tried alone. */
  private final Set<Long> suspects = new HashSet<>();

  /** By topic, the first record of a partition on this sender; the topic waits for its ack. */
  private final Map<String, InFlight> introductions = new HashMap<>();

  private Arrival held;
  private InFlight alone;
  private String asked;
  private long askedNanos;
  private long holdUntilNanos;
  private boolean holding;
  private Verdict refusal;

  Feeder(
      Arrivals arrivals,
      Transport transport,
      Settlement settlement,
      Window window,
      Queue<InFlight> failures) {
    this.arrivals = arrivals;
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
    String topic = event.record().topic();
    if (!transport.isReady(topic)) {
      resolve(topic, now);
      return false;
    }
    if (!introductions.isEmpty() && isBeingIntroduced(topic)) {
      return false;
    }
    boolean introduces = transport.introduces(event.record());
    boolean apart = solitary || (introduces && !window.awaitsKafka(topic));
    InFlight record = new InFlight(event, now, apart, failures);
    refusal = transport.send(event.record(), record);
    if (refusal != null) {
      return false;
    }
    window.add(record);
    alone = solitary ? record : null;
    if (introduces) {
      introductions.put(topic, record);
    }
    held = null;
    return true;
  }

  private boolean isBeingIntroduced(String topic) {
    InFlight first = introductions.get(topic);
    if (first == null || first.awaitsKafka()) {
      return first != null;
    }
    introductions.remove(topic);
    if (first.ackedPartition() >= 0) {
      transport.introduced(topic, first.ackedPartition());
    }
    return false;
  }

  /** Asks for a topic, unless an answer is awaited already. */
  void resolve(String topic, long now) {
    if (asked == null) {
      asked = topic;
      askedNanos = now;
      transport.resolve(topic);
    }
  }

  /** The answer came. */
  void resolved() {
    asked = null;
  }

  /** The topic that was asked for so long ago without an answer; or null. */
  String unanswered(long now, long nanos) {
    return now - askedNanos >= nanos ? asked : null;
  }

  /** Whether the next record's topic is not known yet. */
  boolean waitsForTopic() {
    String topic = heldTopic();
    return topic != null && !transport.isReady(topic);
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
  void renew() {
    alone = null;
    introductions.clear();
    asked = null;
    holding = false;
  }

  /** The same, and reading begins anew somewhere else. */
  void rewind() {
    renew();
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
