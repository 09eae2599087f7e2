package dev.outboxrelay.relay.inspect;

import dev.outboxrelay.client.record.OutboxRecord;

/**
 * A valid record and where it stands.
 *
 * @param cycle its cycle
 * @param offset of its header word in the cycle's file
 * @param record what it holds
 */
public record FoundEvent(long cycle, long offset, OutboxRecord record) {
  private static final int CYCLE_SHIFT = 32;

  /** Its Chronicle index. */
  public long index() {
    return cycle << CYCLE_SHIFT | Integer.toUnsignedLong(record.entry());
  }

  /** The cycle of a Chronicle index. */
  public static long cycleOf(long index) {
    return index >>> CYCLE_SHIFT;
  }
}
