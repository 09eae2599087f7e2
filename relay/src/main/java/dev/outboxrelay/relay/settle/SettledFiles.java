package dev.outboxrelay.relay.settle;

import dev.outboxrelay.client.files.OutcomesFile.Range;
import dev.outboxrelay.client.files.Position;
import dev.outboxrelay.relay.fact.Trouble;
import java.io.Closeable;
import java.io.IOException;
import java.util.List;

/**
 * What the settler changes of an outbox on stable storage; each change is durable when its call
 * returns. For one thread.
 */
interface SettledFiles extends Closeable {
  /**
   * Brings all cycles of the queue up to this one to stable storage.
   *
   * @throws dev.outboxrelay.relay.sync.CycleSyncException if one of them could not be written
   */
  void syncCycles(long upTo) throws IOException;

  void appendOutcomes(List<Range> ranges) throws IOException;

  void savePosition(Position position) throws IOException;

  /**
   * Keeps a copy of damaged bytes, unless there is one.
   *
   * @return whether it is new
   */
  boolean quarantine(long cycle, long from, long to) throws IOException;

  void saveCluster(String id) throws IOException;

  /** Writes the end mark into a cycle that lacks it, if its entries can be followed to the end. */
  void seal(long cycle);

  /** No writer appends to this cycle again. */
  void markFailed(long cycle);

  /**
   * Deletes settled cycles, oldest first.
   *
   * @param below only cycles with a lower number than this one
   * @param appendedBeforeMillis only cycles whose last record was appended before, milliseconds
   *     since the epoch
   */
  Deleted deleteSettled(long below, long appendedBeforeMillis) throws IOException;

  /** Tells what is wrong to who looks at files. */
  void writeTroubles(List<Trouble> troubles, long nowMillis) throws IOException;

  /** What was deleted: the newest of the cycles, how many, and the size of their records. */
  record Deleted(long newestCycle, int cycles, long bytes) {}
}
