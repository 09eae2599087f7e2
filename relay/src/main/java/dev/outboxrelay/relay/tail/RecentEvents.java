package dev.outboxrelay.relay.tail;

import java.util.UUID;

/**
 * Which events the latest sequences were, to tell an event that comes again from another one with
 * its sequence. For one thread.
 */
final class RecentEvents {
  private static final int MOST = 1 << 12;

  private final long[] sequences = new long[MOST];
  private final UUID[] eventIds = new UUID[MOST];

  /** The latest one with a sequence is the one that is known. */
  void remember(long sequence, UUID eventId) {
    int at = (int) (sequence & (MOST - 1));
    sequences[at] = sequence;
    eventIds[at] = eventId;
  }

  /** Null if it is not known. */
  UUID withSequence(long sequence) {
    int at = (int) (sequence & (MOST - 1));
    return sequences[at] == sequence ? eventIds[at] : null;
  }
}
