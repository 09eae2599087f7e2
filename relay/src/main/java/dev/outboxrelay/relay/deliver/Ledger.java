package dev.outboxrelay.relay.deliver;

import dev.outboxrelay.relay.deliver.InFlight.Outcome;
import java.util.OptionalLong;

/**
 * The books of delivery: what is on its way, what of it is settled, and up to where everything is.
 * For one thread.
 */
public final class Ledger {
  private final Window window;
  private final Settlement settlement;
  private final DeliveryListener listener;
  private final Clocks clocks;

  private Settled latest;
  private InFlight lastSettled;
  private long highestSequence;
  private boolean kafkaAnswered;
  private long delivered;
  private long retried;
  private long missing;
  private OptionalLong lastDeliveryMillis = OptionalLong.empty();

  Ledger(
      Window window,
      Settlement settlement,
      DeliveryListener listener,
      Clocks clocks,
      Settled start) {
    this.window = window;
    this.settlement = settlement;
    this.listener = listener;
    this.clocks = clocks;
    this.latest = start;
    this.highestSequence = start == null ? 0 : start.sequence();
  }

  /** Settles what is done at the front of the window; returns how many. */
  int settle() {
    lastSettled = null;
    int settled = window.settle(this::settle);
    if (lastSettled != null) {
      latest =
          new Settled(
              highestSequence,
              lastSettled.eventId(),
              lastSettled.next(),
              lastSettled.settledBytes());
      settlement.settled(latest);
    }
    return settled;
  }

  private void settle(InFlight record) {
    if (record.missingFrom() < record.firstSequence()) {
      long last = record.firstSequence() - 1;
      settlement.undelivered(record.missingFrom(), last, Outcome.QUARANTINED);
      missing += record.firstSequence() - record.missingFrom();
      listener.missing(record.missingFrom(), last);
    }
    if (record.outcome() == Outcome.DELIVERED) {
      long now = clocks.millis();
      delivered++;
      kafkaAnswered = true;
      lastDeliveryMillis = OptionalLong.of(now);
      listener.delivered(
          record.topic(), (int) record.bytes(), Math.max(0, now - record.appendMillis()));
    } else if (record.sequence() != 0) {
      settlement.undelivered(record.firstSequence(), record.sequence(), record.outcome());
    }
    if (record.movesPosition()) {
      highestSequence = Math.max(highestSequence, record.sequence());
      lastSettled = record;
    }
  }

  /**
   * A record that Kafka will never take goes to the dead letters; it is settled once it is there.
   */
  void die(InFlight record, Verdict.DeadLetter verdict) {
    record.die();
    kafkaAnswered = true;
    settlement.deadLetter(record, verdict);
  }

  /** Forgets all that is not settled; returns how many events that were sent. */
  int discard() {
    kafkaAnswered = false;
    int discarded = window.discardAll();
    retried += discarded;
    return discarded;
  }

  /** Whether Kafka took or refused a record for good since the last rewind. */
  boolean kafkaAnswered() {
    return kafkaAnswered;
  }

  /** Whether Kafka's answer is awaited for anything in flight. */
  boolean awaitsKafka() {
    return window.oldestAwaitingKafka() != null;
  }

  /** Whether anything in flight may still be settled without being sent again. */
  boolean awaitsAnything() {
    return window.awaitsAnything();
  }

  /** Everything up to it is settled; null if nothing ever was. */
  public Settled latest() {
    return latest;
  }

  /** Events and damage that were read and are not settled. */
  public int inFlight() {
    return window.size();
  }

  public long inFlightBytes() {
    return window.bytes();
  }

  /** Append time of the oldest event in flight, milliseconds since the epoch. */
  public OptionalLong oldestAppendMillis() {
    InFlight oldest = window.oldest();
    return oldest == null || oldest.appendMillis() == 0
        ? OptionalLong.empty()
        : OptionalLong.of(oldest.appendMillis());
  }

  /** Events acked and settled since the start, repeated ones included. */
  public long delivered() {
    return delivered;
  }

  /** Events that a rewind made to be sent again, since the start. */
  public long retried() {
    return retried;
  }

  /** Sequences that no record carries, since the start. */
  public long missing() {
    return missing;
  }

  /** When an event was last settled as delivered. */
  public OptionalLong lastDeliveryMillis() {
    return lastDeliveryMillis;
  }
}
