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
   * Bytes that do not, or must not be delivered.
   *
   * @param reason why, the name that FORMAT.md gives it
   * @param lost which records they were
   */
  record Damaged(long cycle, long offset, long end, String reason, Lost lost)
      implements TailedRecord {}

  /**
   * Records that damaged bytes were: as a batch that is not whole is settled at once, nobody ever
   * begins within it.
   *
   * @param count how many, 0 if that is not known
   * @param lastEntry number of the last one within its cycle, −1 if that is not known
   * @param lastSequence of the last one, 0 if that is not known
   */
  record Lost(long count, long lastEntry, long lastSequence) {
    static final Lost UNKNOWN = new Lost(0, -1, 0);

    /** Exactly one, of which the sequence can't be read. */
    static Lost one(long entry) {
      return new Lost(1, entry, 0);
    }
  }

  /**
   * What another version wrote: nothing is read behind it, and nothing of it is settled (FORMAT
   * I11).
   *
   * @param error what, where, and the way out
   */
  record OtherFormat(long cycle, long offset, String error) implements TailedRecord {
    @Override
    public long end() {
      return offset;
    }
  }
}
