package dev.outboxrelay.client.cycle;

import dev.outboxrelay.client.record.OutboxRecord;

/**
 * The last record that a walk through a cycle has met, by which the next one is judged: within a
 * cycle {@code sequence - entry} is the same for all records (FORMAT I4).
 *
 * @param entry number within the cycle
 * @param sequence number within the outbox
 */
public record LastRecord(long entry, long sequence) {

  public static LastRecord of(OutboxRecord record) {
    return new LastRecord(Integer.toUnsignedLong(record.entry()), record.sequence());
  }

  /** Whether nothing is missing between the two. */
  public boolean isFollowedBy(OutboxRecord next) {
    return Integer.toUnsignedLong(next.entry()) == entry + 1 && next.sequence() == sequence + 1;
  }

  /** Whether the other one may stand behind it, with records between them that are lost. */
  public boolean isBefore(OutboxRecord later) {
    long distance = Integer.toUnsignedLong(later.entry()) - entry;
    return distance > 0 && later.sequence() - sequence == distance;
  }
}
