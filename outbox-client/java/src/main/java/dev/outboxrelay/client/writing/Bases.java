package dev.outboxrelay.client.writing;

import dev.outboxrelay.client.files.CycleFacts;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutboxState.NewestCycle;
import dev.outboxrelay.client.files.StateFile;
import dev.outboxrelay.client.record.Prologue;
import java.io.IOException;
import java.util.List;

/** How much the cycles before one hold: FORMAT.md, <i>Bases</i>. */
final class Bases {
  private final OutboxPaths paths;
  private final StateFile state;
  private final long settledBytes;

  /**
   * Knows the state's.
   *
   * @param settledBytes of a position of this outbox; 0 without one
   */
  Bases(OutboxPaths paths, StateFile state, long settledBytes) {
    this.paths = paths;
    this.state = state;
    this.settledBytes = settledBytes;
  }

  /**
   * The newest cycle as its prologue says, else as the state does, else as can be reckoned.
   *
   * @param prologue of its first record, or null
   * @param hour of the clock
   */
  NewestCycle newest(long cycle, Prologue prologue, long hour) throws IOException {
    if (prologue != null) {
      return new NewestCycle(cycle, prologue.base(), prologue.cycleHour());
    }
    return state.isNewest(cycle)
        ? state.newest().orElseThrow()
        : new NewestCycle(cycle, reckoned(cycle), hour);
  }

  private long reckoned(long cycle) throws IOException {
    List<Long> cycles = paths.cycles();
    long bytes = 0;
    boolean damaged = false;
    for (int i = cycles.size() - 1; i >= 0; i--) {
      long before = cycles.get(i);
      if (before < cycle) {
        CycleFacts facts = CycleFacts.read(paths.cycle(before), state.outboxId());
        boolean failed = state.isFailed(before) || !facts.sealed();
        if (failed) {
          facts = CycleFacts.search(paths.cycle(before), state.outboxId());
        }
        bytes += failed ? facts.recordBytes() : facts.dataBytes();
        damaged |= failed;
        long base = knownBase(before, facts);
        if (base >= 0) {
          return atLeastSettled(base + bytes, damaged);
        }
      }
    }
    return atLeastSettled(bytes, damaged);
  }

  /**
   * The base of the cycle that follows.
   *
   * @param newest cycle so far, or null
   * @param file of that, its tail known; null if it is failed or was removed
   */
  long behind(NewestCycle newest, CycleFile file) throws IOException {
    if (newest == null) {
      return 0;
    }
    if (file != null) {
      return newest.base() + file.dataBytes();
    }
    long bytes =
        paths.cycles().contains(newest.cycle())
            ? CycleFacts.search(paths.cycle(newest.cycle()), state.outboxId()).recordBytes()
            : 0;
    return atLeastSettled(newest.base() + bytes, true);
  }

  private long knownBase(long cycle, CycleFacts facts) {
    if (facts.prologue() != null) {
      return facts.prologue().base();
    }
    return state
        .newest()
        .filter(known -> known.cycle() == cycle)
        .map(known -> known.base())
        .orElse(-1L);
  }

  /** So that a backlog is never counted as less than nothing. */
  private long atLeastSettled(long base, boolean damaged) {
    return damaged ? Math.max(base, settledBytes) : base;
  }
}
