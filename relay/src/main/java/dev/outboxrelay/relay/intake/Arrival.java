package dev.outboxrelay.relay.intake;

import dev.outboxrelay.client.record.OutboxRecord;

/** What comes out of the queue, in its order. */
public sealed interface Arrival {
  /** The cycle that holds it. */
  long cycle();

  /** Where it begins in the cycle's file: its header word. */
  long offset();

  /** Where it ends: the next header word. */
  long end();

  /**
   * A valid record.
   *
   * @param missingFrom the first of the sequences directly before this one that no record carries;
   *     equal to the record's own sequence if none is missing
   * @param settledBytes bytes of records in the queue up to its end, over the outbox's life
   */
  record Event(
      OutboxRecord record, long cycle, long offset, long end, long missingFrom, long settledBytes)
      implements Arrival {}

  /**
   * Bytes that are no valid record.
   *
   * @param reason why, for people
   * @param sequence the sequence that they stand for; 0 if they are no single record, and then they
   *     do not move the position either
   * @param entry number within the cycle of the record that they were
   * @param settledBytes as for an event
   */
  record Damage(
      long cycle,
      long offset,
      long end,
      String reason,
      long sequence,
      long entry,
      long settledBytes)
      implements Arrival {}
}
