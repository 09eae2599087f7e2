package dev.outboxrelay.relay.pipeline;

import dev.outboxrelay.relay.copy.CopyTurns;
import dev.outboxrelay.relay.deliver.WindowBudget;
import dev.outboxrelay.relay.park.OpenSlots;

/**
 * What the pipelines of one process share, as it is the process's.
 *
 * @param windows the memory of what is on its way
 * @param parked parked topics' outboxes that are open
 * @param lanes that deliver what was parked
 * @param copies of dead letters
 */
public record Shares(WindowBudget windows, OpenSlots parked, LaneSlots lanes, CopyTurns copies) {
  /** By the limits of this process. */
  public static Shares ofProcess(long windowBytes) {
    return new Shares(
        new WindowBudget(windowBytes),
        OpenSlots.ofProcess(),
        LaneSlots.ofProcess(),
        CopyTurns.ofProcess());
  }
}
