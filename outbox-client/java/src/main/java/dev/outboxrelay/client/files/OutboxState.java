package dev.outboxrelay.client.files;

import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * What {@code outbox.state} says, read without a lock.
 *
 * @param outboxId identity of the outbox
 * @param generation grows when an operator adopts a copied or restored outbox
 * @param createdAt milliseconds since the epoch
 * @param nextSequence of the next record; 0 when the file's word and its complement disagree (a
 *     killed writer, or one at work: read again), or no sequence stands there
 * @param newest the newest cycle, or empty when there is none or its words disagree
 * @param failedCycles cycles to which no writer appends any more
 */
public record OutboxState(
    UUID outboxId,
    int generation,
    long createdAt,
    long nextSequence,
    Optional<NewestCycle> newest,
    List<Long> failedCycles) {

  /**
   * The newest cycle.
   *
   * @param cycle its number
   * @param base sum of {@code end - first data offset} over all cycles before it, bytes
   * @param cycleHour hours since the epoch at which it was begun
   */
  public record NewestCycle(long cycle, long base, long cycleHour) {

    /**
     * Whether the other one says the same. Not by equals: as the JDK makes it for a record, it
     * keeps the class that was compared last, and with it a web application that was taken away.
     */
    public boolean says(NewestCycle other) {
      return other != null
          && cycle == other.cycle
          && base == other.base
          && cycleHour == other.cycleHour;
    }
  }
}
