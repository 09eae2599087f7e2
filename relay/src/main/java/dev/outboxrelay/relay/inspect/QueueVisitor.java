package dev.outboxrelay.relay.inspect;

import dev.outboxrelay.client.cycle.CycleEntry;
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

  /**
   * What another version wrote: the walk ends here.
   *
   * @throws dev.outboxrelay.client.OutboxUnavailable unless the visitor tells it in another way
   */
  default void stops(long cycle, long offset, CycleEntry.OtherFormat other) {
    throw other.refusal();
  }

  /** The end of a cycle, unless nothing readable follows damage. */
  default void cycleEnds(long cycle) throws IOException {}
}
