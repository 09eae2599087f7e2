package dev.outboxrelay.relay.deliver;

import dev.outboxrelay.relay.fact.DeadLetterReason;
import dev.outboxrelay.relay.fact.Verdict;

/**
 * What delivery asks of stable storage. No call blocks; what is parked, dead letters and
 * quarantined bytes answer by completing their record, once they are durable or will be before a
 * position covers them, and are tried for as long as it takes.
 */
public interface Settlement {
  /** Moves a record to the dead letters. */
  void deadLetter(InFlight record, Verdict.DeadLetter verdict);

  /**
   * Why an earlier run has made a dead letter of a record, without saving that it is settled; null
   * if none has. From any thread.
   */
  default DeadLetterReason diedBefore(InFlight record) {
    return null;
  }

  /** Moves a record to its topic's lane. */
  void park(InFlight record);

  /** Sets damaged bytes aside. */
  void quarantine(InFlight damage, String reason);

  /**
   * A record that was not delivered is settled; comes before the {@link #settled} that covers it.
   */
  void undelivered(long firstSequence, long lastSequence, InFlight.Outcome outcome);

  /**
   * What became of the event that this one was in the outbox from which it was parked; comes before
   * the {@link #settled} that covers this one.
   *
   * @param sequence of that event
   */
  void ofSource(long sequence, InFlight.Outcome outcome);

  /** Events go to this cluster from now on; remembered for later runs. */
  void cluster(String id);

  /** Everything up to here is settled; saved some time later. */
  void settled(Settled upTo);
}
