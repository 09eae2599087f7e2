package dev.outboxrelay.relay.tail;

import dev.outboxrelay.client.record.OutboxRecord;

/** What stands in the queue. Offsets are of header words, in bytes. */
public sealed interface TailedRecord {
  long cycle();

  /** Where it begins. */
  long offset();

  /** Where the next one begins. */
  long end();

  /** A record that passes all checks. */
  record Intact(long cycle, long offset, long end, OutboxRecord record) implements TailedRecord {}

  /**
   * Bytes that do not.
   *
   * @param reason why, for people
   * @param entry the number of the record within its cycle, if the bytes are those of exactly one
   *     record; else −1
   */
  record Damaged(long cycle, long offset, long end, String reason, long entry)
      implements TailedRecord {
    /** Whether the bytes are those of exactly one record. */
    public boolean isOneRecord() {
      return entry >= 0;
    }
  }
}
