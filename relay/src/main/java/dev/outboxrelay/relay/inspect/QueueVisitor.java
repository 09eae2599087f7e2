package dev.outboxrelay.relay.inspect;

import dev.outboxrelay.client.cycle.CycleScanner;
import java.io.IOException;

/** Told what a {@link QueueWalk} meets, in the order of the queue. */
public interface QueueVisitor {

  /**
   * A cycle file was opened; the scanner belongs to the walk.
   *
   * @param newest whether it was the newest when the walk began
   */
  default void cycleBegins(long cycle, CycleScanner scanner, boolean newest) throws IOException {}

  /**
   * A valid record.
   *
   * @return false to end the walk
   */
  boolean event(FoundEvent event) throws IOException;

  /**
   * Bytes that hold no valid record.
   *
   * @return false to end the walk
   */
  default boolean damage(Damage damage) throws IOException {
    return true;
  }

  /** How a cycle ends, unless nothing readable follows damage. */
  enum End {
    /** Where the next record will stand. */
    OPEN,
    EOF,
    /** There is nothing, in a cycle that is not the newest. */
    MISSING_EOF
  }

  /** The end of a cycle. */
  default void cycleEnds(long cycle, long offset, End how) throws IOException {}
}
