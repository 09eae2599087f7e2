package dev.outboxrelay.relay.settle;

import java.io.IOException;

/**
 * Changes to the queue that only the holder of the writers' lock may make. Each takes the lock for
 * a moment, with a deadline.
 */
public interface Housekeeping {
  /** No writer appends to this cycle again. */
  void markFailed(long cycle) throws IOException;

  /**
   * Deletes settled cycles.
   *
   * @param below only cycles with a lower number than this one
   * @param olderThanMillis only cycles whose file was last written before, milliseconds since the
   *     epoch
   * @return what was deleted
   */
  Deleted deleteSettled(long below, long olderThanMillis) throws IOException;

  /** How many cycles, and their disk space. */
  record Deleted(long newestCycle, int cycles, long bytes) {
    public static final Deleted NOTHING = new Deleted(0, 0, 0);
  }
}
