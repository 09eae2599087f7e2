package dev.outboxrelay.client.writing;

import java.util.UUID;

/**
 * Records that were published: one, or those of a batch.
 *
 * @param sequence of the first
 * @param records how many
 * @param cycle in which they stand
 * @param first offset of the first one's header word
 * @param last offset of the last one's
 * @param commit by which they are to be synced, and which is to be closed then; null in {@code
 *     process} durability
 */
record Published(
    UUID outbox,
    int generation,
    long sequence,
    int records,
    long cycle,
    long first,
    long last,
    GroupCommit commit) {

  long lastSequence() {
    return sequence + records - 1;
  }
}
