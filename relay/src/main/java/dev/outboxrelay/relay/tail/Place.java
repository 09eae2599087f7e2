package dev.outboxrelay.relay.tail;

/**
 * A place between two records of the queue.
 *
 * @param cycle number of the cycle
 * @param offset where the next header word stands, bytes; 0 = at the cycle's first record
 * @param entry number of the next record within the cycle
 */
public record Place(long cycle, long offset, long entry) {
  /** Before everything that the queue holds. */
  public static final Place START = new Place(0, 0, 0);
}
