package dev.outboxrelay.relay.tail;

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
   * @param source which event of the main queue a parked record is of, if that is to be told what
   *     becomes of it; else null
   * @param replay whether it was given up before, so that it stands in no order to others
   */
  record Event(
      OutboxRecord record,
      long cycle,
      long offset,
      long end,
      long missingFrom,
      long settledBytes,
      Source source,
      boolean replay)
      implements Arrival {
    /** Of a queue that is not a parked topic's. */
    public Event(
        OutboxRecord record,
        long cycle,
        long offset,
        long end,
        long missingFrom,
        long settledBytes) {
      this(record, cycle, offset, end, missingFrom, settledBytes, null, false);
    }
  }

  /**
   * Bytes that are no valid record, or must not be delivered.
   *
   * @param reason why, for people
   * @param lost the records that they were; they do not move the position if that is not known
   * @param settledBytes as for an event
   */
  record Damage(long cycle, long offset, long end, String reason, Lost lost, long settledBytes)
      implements Arrival {}

  /**
   * Which records are lost.
   *
   * @param missingFrom the first of the sequences directly before them that no record carries;
   *     equal to {@code first} if none is missing
   * @param first the first of their own sequences; 0 if they are not known
   * @param last the last of them
   * @param lastEntry number of the last one within the cycle
   */
  record Lost(long missingFrom, long first, long last, long lastEntry) {
    static final Lost UNKNOWN = new Lost(0, 0, 0, -1);
  }

  /**
   * What another version wrote: nothing comes behind it.
   *
   * @param error what, where, and the way out
   */
  record OtherFormat(long cycle, long offset, String error) implements Arrival {
    @Override
    public long end() {
      return offset;
    }
  }
}
