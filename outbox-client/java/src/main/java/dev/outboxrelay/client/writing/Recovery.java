package dev.outboxrelay.client.writing;

import dev.outboxrelay.client.cycle.ChainWalk;
import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.disk.SafeFiles;
import dev.outboxrelay.client.files.CycleFacts;
import dev.outboxrelay.client.files.MetadataTable;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutboxState;
import dev.outboxrelay.client.files.Position;
import dev.outboxrelay.client.files.PositionFile;
import dev.outboxrelay.client.files.StateFile;
import dev.outboxrelay.client.record.CycleId;
import dev.outboxrelay.client.record.Prologue;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * Opens an outbox for a writer that holds the lock, and mends what crashes, disks and operators
 * have left: repairs the state and Chronicle's listing in place, finds the newest cycle by the
 * names on disk, closes the one before it. Nothing that may hold events is touched.
 */
final class Recovery {
  private static final System.Logger LOG = System.getLogger(Recovery.class.getPackageName());

  private final WriterOptions options;
  private final OutboxPaths paths;
  private final Disk disk;
  private boolean sequenceRebuilt; // by the open under way

  Recovery(WriterOptions options) {
    this.options = options;
    paths = options.paths();
    disk = options.disk();
  }

  /**
   * Opens and mends. What comes back is consistent, but the newest cycle's chain is not walked yet.
   */
  WriterSession open() throws IOException {
    SafeFiles.createDirectory(paths.queue(), SafeFiles.directoryGroup(paths.queue()));
    List<Long> cycles = paths.cycles();
    StateFile state = openState(cycles);
    CycleFile newestFile = null;
    boolean opened = false;
    try {
      listCycles(cycles);
      long newest = newest(cycles, state);
      if (!cycles.isEmpty() && newest == last(cycles)) {
        newestFile = openNewest(newest, state, cycles);
      }
      if (newest != RollRule.NONE && !state.isNewest(newest)) {
        state.newest(rebuildNewest(newest, newestFile, cycles, state.outboxId()));
      }
      closeCycleBefore(newest, cycles, state);
      WriterSession session =
          new WriterSession(options, state, newest, newestFile, sequenceRebuilt);
      opened = true;
      return session;
    } finally {
      if (!opened) {
        state.close();
        if (newestFile != null) {
          newestFile.close();
        }
      }
    }
  }

  private StateFile openState(List<Long> cycles) throws IOException {
    Optional<StateFile> found = StateFile.open(paths.state(), disk);
    StateFile state = found.isPresent() ? found.get() : rebuildState(cycles);
    boolean opened = false;
    try {
      long next = state.nextSequence();
      sequenceRebuilt = next == 0 || found.isEmpty();
      if (sequenceRebuilt) {
        state.nextSequence(Math.max(next, nextSequence(cycles, state.outboxId())));
      }
      opened = true;
      return state;
    } finally {
      if (!opened) {
        state.close();
      }
    }
  }

  private StateFile rebuildState(List<Long> cycles) throws IOException {
    Optional<OutboxState> identity = StateFile.read(paths.state());
    if (identity.isPresent()) {
      OutboxState kept = identity.get();
      return StateFile.rewrite(
          paths.state(), kept.outboxId(), kept.generation(), kept.createdAt(), disk);
    }
    Optional<OutboxIdentity> found = OutboxIdentity.withoutState(paths, cycles);
    if (!cycles.isEmpty()) {
      LOG.log(
          System.Logger.Level.WARNING,
          "outbox.state was lost and is rebuilt from the queue path={0} cycles={1} "
              + "identity_found={2}",
          paths.state(),
          String.valueOf(cycles.size()),
          found.isPresent());
    }
    return StateFile.rewrite(
        paths.state(),
        found.isPresent() ? found.get().outbox() : randomId(),
        found.map(OutboxIdentity::generation).orElse(1),
        options.clock().millis(),
        disk);
  }

  private UUID randomId() {
    long high = options.random().nextLong();
    long low = options.random().nextLong();
    return new UUID((high & ~0xF000L) | 0x4000L, (low >>> 2) | 0x8000_0000_0000_0000L);
  }

  /** The next sequence as queue and position tell it, without the state. */
  private long nextSequence(List<Long> cycles, UUID outbox) throws IOException {
    long last = PositionFile.find(paths.position()).map(Position::sequence).orElse(0L);
    return Math.max(last, CycleFacts.lastSequence(paths, cycles, outbox)) + 1;
  }

  /** Brings Chronicle's listing up to date, and repairs it if need be. */
  void listCycles(List<Long> cycles) throws IOException {
    try (MetadataTable table =
        MetadataTable.openOrRepair(paths.metadata(), cycles, options.clock().millis(), disk)) {
      table.list(cycles);
    }
  }

  /**
   * The highest number that is or was in use: a cycle that was deleted while it was the newest is
   * not used again.
   */
  private static long newest(List<Long> cycles, StateFile state) {
    long byName = cycles.isEmpty() ? RollRule.NONE : last(cycles);
    long byState = state.newest().map(OutboxState.NewestCycle::cycle).orElse(RollRule.NONE);
    return Math.max(byName, byState);
  }

  private CycleFile openNewest(long newest, StateFile state, List<Long> cycles) throws IOException {
    Optional<CycleFile> file = CycleFile.open(paths, new CycleId(state.outboxId(), newest), disk);
    if (file.isEmpty() && !state.isFailed(newest)) {
      LOG.log(
          System.Logger.Level.WARNING,
          "the newest cycle cannot be parsed and is left as it is; appends go on in the next "
              + "one path={0}",
          paths.cycle(newest));
      // Before the mark, as nobody looks into a failed cycle again.
      state.giveBehind(CycleFacts.lastSequence(paths, cycles, state.outboxId()));
      state.markFailed(newest);
    }
    return file.orElse(null);
  }

  private OutboxState.NewestCycle rebuildNewest(
      long newest, CycleFile file, List<Long> cycles, UUID outbox) throws IOException {
    Prologue prologue = file == null ? null : file.prologue();
    if (prologue != null) {
      return new OutboxState.NewestCycle(newest, prologue.base(), prologue.cycleHour());
    }
    long hour = WriterSession.hourOf(options.clock().millis());
    for (long cycle : newestFirst(cycles)) {
      if (cycle < newest) {
        CycleFacts before = CycleFacts.read(paths.cycle(cycle), outbox);
        if (before.prologue() != null) {
          long base = before.prologue().base() + before.dataBytes();
          return new OutboxState.NewestCycle(newest, base, hour);
        }
      }
    }
    long settled = PositionFile.find(paths.position()).map(Position::settledBytes).orElse(0L);
    return new OutboxState.NewestCycle(newest, settled, hour);
  }

  /** A reader stays on a cycle that has no EOF; a writer that died in a roll may have left one. */
  private void closeCycleBefore(long newest, List<Long> cycles, StateFile state)
      throws IOException {
    for (long cycle : newestFirst(cycles)) {
      if (cycle < newest) {
        if (!state.isFailed(cycle)) {
          closeChain(cycle, state);
        }
        return;
      }
    }
  }

  private void closeChain(long cycle, StateFile state) throws IOException {
    try (CycleFile file =
        CycleFile.open(paths, new CycleId(state.outboxId(), cycle), disk).orElse(null)) {
      if (file != null && file.findTail(state) == ChainWalk.End.OPEN) {
        file.writeEof();
      }
    } catch (NoSuchFileException e) {
      if (Files.exists(paths.queue())) {
        return; // just settled and deleted
      }
      throw e;
    }
  }

  private static long last(List<Long> cycles) {
    return cycles.get(cycles.size() - 1);
  }

  private static List<Long> newestFirst(List<Long> cycles) {
    List<Long> reversed = new ArrayList<>(cycles);
    Collections.reverse(reversed);
    return reversed;
  }
}
