package dev.outboxrelay.relay.deliver;

import java.time.Duration;

/**
 * Bounds of what delivery does.
 *
 * @param maxRecords records in the window
 * @param maxBytes their bytes; a single record may be larger
 * @param lease what other windows of the process leave to this one
 * @param backoff waits before a retry
 * @param stall how long an ack may take before it counts as a stall
 * @param lostOrder how long a stall may last, with connections to brokers, before the sender is
 *     taken to have lost the order of its records
 * @param refusalsInARow so many events of one topic that Kafka refuses for one reason become dead
 *     letters, then the topic waits; 0 = all do
 * @param refusedBefore so many of each topic that were refused last
 */
public record Limits(
    int maxRecords,
    long maxBytes,
    Lease lease,
    Backoff backoff,
    Duration stall,
    Duration lostOrder,
    int refusalsInARow,
    int refusedBefore) {

  /** Where nothing was refused before. */
  public Limits(
      int maxRecords,
      long maxBytes,
      Lease lease,
      Backoff backoff,
      Duration stall,
      Duration lostOrder,
      int refusalsInARow) {
    this(maxRecords, maxBytes, lease, backoff, stall, lostOrder, refusalsInARow, 0);
  }
}
