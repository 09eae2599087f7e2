package dev.outboxrelay.client.writing;

import dev.outboxrelay.client.files.CycleFacts;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutboxState;
import dev.outboxrelay.client.files.StateFile;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

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

  /** The base of a cycle without a valid first record. */
  long reckoned(long cycle) throws IOException {
    Optional<OutboxState.NewestCycle> known = state.newest();
    if (known.isPresent() && known.get().cycle() == cycle) {
      return known.get().base();
    }
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
   * The base of the cycle that follows a failed or removed one.
   *
   * @param newest which that is; its file need not exist
   * @param base its base
   */
  long behindFailed(long newest, long base) throws IOException {
    long bytes =
        paths.cycles().contains(newest)
            ? CycleFacts.search(paths.cycle(newest), state.outboxId()).recordBytes()
            : 0;
    return atLeastSettled(base + bytes, true);
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
