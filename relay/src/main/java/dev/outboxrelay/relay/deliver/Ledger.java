package dev.outboxrelay.relay.deliver;

import dev.outboxrelay.relay.deliver.InFlight.Outcome;
import dev.outboxrelay.relay.fact.Fact;
import dev.outboxrelay.relay.fact.FactListener;
import dev.outboxrelay.relay.fact.Verdict;
import java.util.OptionalLong;

/**
 * The books of delivery: what is on its way, what of it is settled, and up to where everything is.
 * For one thread.
 */
public final class Ledger {
  private final Window window;
  private final AckedBefore ackedBefore;
  private final Acks acks;
  private final Refusals refusals;
  private final Settlement settlement;
  private final FactListener listener;
  private final Clocks clocks;

  private Settled settled;
  private InFlight lastSettled;
  private long highestSequence;
  private boolean kafkaAnswered;

  Ledger(
      Window window,
      AckedBefore ackedBefore,
      Acks acks,
      Refusals refusals,
      Settlement settlement,
      FactListener listener,
      Clocks clocks,
      Settled start) {
    this.ackedBefore = ackedBefore;
    this.acks = acks;
    this.refusals = refusals;
    this.window = window;
    this.settlement = settlement;
    this.listener = listener;
    this.clocks = clocks;
    this.settled = start;
    this.highestSequence = start == null ? 0 : start.sequence();
  }

  /** Settles what is done at the front of the window; returns how many. */
  int settle() {
    lastSettled = null;
    int count = window.settle(acks, this::settle);
    if (lastSettled != null) {
      settled =
          new Settled(
              highestSequence,
              lastSettled.eventId(),
              lastSettled.next(),
              lastSettled.settledBytes());
      ackedBefore.settledUpTo(highestSequence);
      settlement.settled(settled);
    }
    return count;
  }

  private void settle(InFlight record) {
    if (record.missingFrom() < record.firstSequence()) {
      long last = record.firstSequence() - 1;
      settlement.undelivered(record.missingFrom(), last, Outcome.QUARANTINED);
      listener.tell(new Fact.Missing(record.missingFrom(), last));
    }
    if (record.outcome() == Outcome.DELIVERED) {
      kafkaAnswered |= !record.wasAckedBefore();
      refusals.delivered(record.topic(), record.sequence());
      long latency = Math.max(0, clocks.millis() - record.appendMillis());
      listener.tell(new Fact.Delivered(record.topic(), (int) record.bytes(), latency));
    } else if (record.sequence() != 0) {
      settlement.undelivered(record.firstSequence(), record.sequence(), record.outcome());
      if (record.outcome() == Outcome.PARKED) {
        listener.tell(new Fact.Parked(record.topic(), (int) record.bytes()));
      }
    }
    if (record.source() != null) {
      settlement.ofSource(record.source().sequence(), record.outcome());
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

  /** Whether the next to be settled waits for its place among the dead letters. */
  boolean oldestIsDead() {
    InFlight oldest = window.oldest();
    return oldest != null && oldest.outcome() == Outcome.DEAD;
  }

  /** Forgets all that is not settled; returns how many events are sent again for that. */
  int discard() {
    kafkaAnswered = false;
    int acked = acks.outliveTheirSender() ? ackedBefore.remember(window) : 0;
    return window.discardAll() - acked;
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
  public Settled settled() {
    return settled;
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
}
