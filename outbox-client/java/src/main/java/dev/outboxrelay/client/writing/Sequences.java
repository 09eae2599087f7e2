package dev.outboxrelay.client.writing;

import dev.outboxrelay.client.files.CycleFacts;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.StateFile;
import java.io.IOException;
import java.util.List;

/**
 * Sees to it that no sequence is given twice (FORMAT I4), whatever of state, cycles and position is
 * damaged or of another time: <i>Finding the tail</i>, steps 5 and 6.
 */
final class Sequences {
  private final OutboxPaths paths;
  private final StateFile state;
  private final long settled;

  /**
   * Knows the state's.
   *
   * @param settled the position's, whichever outbox that is of; 0 without one. Behind the highest
   *     none could follow, so it is no sequence of ours
   */
  Sequences(OutboxPaths paths, StateFile state, long settled) {
    this.paths = paths;
    this.state = state;
    this.settled = settled == Long.MAX_VALUE ? 0 : settled;
  }

  /**
   * Takes account of an outbox whose newest cycle has no tail to be found.
   *
   * @param failed it has failed before, and was looked into then; else it was removed
   */
  void giveBehindAll(boolean failed) throws IOException {
    boolean known = failed && state.nextSequence() != 0;
    giveBehind(known ? 0 : CycleFacts.lastSequence(paths, paths.cycles(), state.outboxId()));
  }

  /**
   * Takes account of the newest cycle's tail.
   *
   * @param newest the cycle
   * @param last sequence of its last record, 0 if its chain leads to none
   * @return whether records are missing that were given out, and others stand in the cycle that
   *     must not be overwritten
   */
  boolean areLost(long newest, long last) throws IOException {
    long known = last > 0 ? last : lastBefore(newest);
    giveBehind(known);
    return state.nextSequence() - 1 > known
        && (last > 0
            || CycleFacts.search(paths.cycle(newest), state.outboxId()).lastSequence() > 0);
  }

  /** Before a cycle is marked as failed, as nobody looks into it again. */
  void giveBehindFailed(long cycle) throws IOException {
    long found = CycleFacts.search(paths.cycle(cycle), state.outboxId()).lastSequence();
    giveBehind(Math.max(found, lastBefore(cycle)));
  }

  private long lastBefore(long cycle) throws IOException {
    List<Long> before = paths.cycles();
    before.removeIf(other -> other >= cycle);
    return CycleFacts.lastSequence(paths, before, state.outboxId());
  }

  private void giveBehind(long last) {
    if (state.nextSequence() == 0) {
      state.nextSequence(1);
    }
    state.giveBehind(Math.max(last, settled));
  }
}
