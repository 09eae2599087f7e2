package dev.outboxrelay.client.writing;

import dev.outboxrelay.client.Durability;
import dev.outboxrelay.client.cycle.ChainWalk;
import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.disk.DiskStep;
import dev.outboxrelay.client.disk.Folder;
import dev.outboxrelay.client.files.CycleFacts;
import dev.outboxrelay.client.files.MetadataTable;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutboxState;
import dev.outboxrelay.client.files.Position;
import dev.outboxrelay.client.files.PositionFile;
import dev.outboxrelay.client.files.StateFile;
import dev.outboxrelay.client.lock.LockDeadline;
import dev.outboxrelay.client.lock.WritersLock;
import dev.outboxrelay.client.record.CycleId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * Opens an outbox for a writer that holds the lock, and mends what crashes, disks and operators
 * have left: FORMAT.md, <i>Opening</i>. Repairs the state and Chronicle's listing in place, finds
 * the tail of the newest cycle, closes the one before it. Nothing that may hold events is touched
 * (FORMAT I5).
 */
final class Recovery {
  private static final System.Logger LOG = System.getLogger(Recovery.class.getPackageName());

  private final WriterOptions options;
  private final WritersLock lock;
  private final LockDeadline deadline;
  private final HeldDirectories held;
  private final OutboxPaths paths;
  private final Disk disk;
  private final long now;
  private StateFile state; // null until it is open
  private CycleFile file; // of the newest cycle; null until it is open, if it can be

  private Recovery(
      WriterOptions options,
      WritersLock lock,
      LockDeadline deadline,
      long now,
      HeldDirectories held) {
    this.options = options;
    this.lock = lock;
    this.deadline = deadline;
    this.now = now;
    this.held = held;
    paths = held.paths();
    disk = options.disk();
  }

  /**
   * Opens and mends.
   *
   * @param lock which the caller holds
   * @param deadline of that, for a file that is to grow
   */
  static WriterSession open(WriterOptions options, WritersLock lock, LockDeadline deadline)
      throws IOException {
    return open(options, lock, deadline, null);
  }

  /**
   * The same, of these directories and no others.
   *
   * @param only null for whatever the paths lead to
   */
  static WriterSession open(
      WriterOptions options, WritersLock lock, LockDeadline deadline, HeldDirectories only)
      throws IOException {
    long now = options.now();
    Recovery recovery =
        new Recovery(options, lock, deadline, now, OutboxDirectory.hold(options.paths()));
    boolean opened = false;
    try {
      lock.mustBeHeld();
      if (only != null && !recovery.held.areThoseOf(only)) {
        throw recovery.held.others();
      }
      if (!lock.isHeldAt(recovery.paths.lock())) {
        throw recovery.held.replaced();
      }
      WriterSession session = recovery.open();
      opened = true;
      return session;
    } catch (IOException e) {
      throw Folder.named(e);
    } finally {
      if (!opened) {
        recovery.giveUp();
      }
    }
  }

  private WriterSession open() throws IOException {
    List<Long> cycles = paths.cycles();
    refuseOtherFormats(cycles);
    if (options.durability() == Durability.POWER) {
      // Who made them, or the newest cycle, may have died before, and a sync of the file brings no
      // name.
      disk.syncDirectory(paths.queue(), DiskStep.LINK);
      disk.syncDirectory(paths.root(), DiskStep.LINK);
      disk.syncDirectory(held.named().root().getParent(), DiskStep.LINK);
    }
    NewCycle.removeLeftovers(paths, disk);
    Optional<StateFile> found = StateFile.open(paths.state(), disk);
    state = found.isPresent() ? found.get() : rebuildState(cycles);
    // Chronicle's listing
    MetadataTable.update(paths.metadata(), cycles, now, disk);
    long newest = newest(cycles, state);
    file = openNewest(newest, cycles, state);
    WriterSession session = new WriterSession(options, lock, held, state, newest, file, position());
    session.findTail(cycles, now);
    closeCycleBefore(newest, cycles, state);
    return session;
  }

  private void giveUp() throws IOException {
    try (held;
        StateFile openState = state;
        CycleFile openFile = file) {
      // closes what is open
    }
  }

  /**
   * FORMAT I11: what another version wrote is met before anything is changed.
   *
   * @throws dev.outboxrelay.client.OutboxUnavailable if that is so
   */
  private void refuseOtherFormats(List<Long> cycles) throws IOException {
    Optional<OutboxState> state = StateFile.read(paths.state());
    List<Long> failed = state.map(OutboxState::failedCycles).orElse(List.of());
    UUID outbox =
        state.isPresent()
            ? state.get().outboxId()
            : OutboxIdentity.withoutState(paths, cycles).map(found -> found.outbox()).orElse(null);
    for (long cycle : cycles.subList(Math.max(0, cycles.size() - 2), cycles.size())) {
      if (!failed.contains(cycle) && CycleFacts.read(paths.cycle(cycle), outbox).broken()) {
        CycleFacts unused = CycleFacts.search(paths.cycle(cycle), outbox);
      }
    }
  }

  private Position position() throws IOException {
    return PositionFile.find(paths.position()).orElse(null);
  }

  private StateFile rebuildState(List<Long> cycles) throws IOException {
    Optional<OutboxState> kept = StateFile.read(paths.state());
    Optional<OutboxIdentity> found =
        kept.isPresent()
            ? kept.map(state -> new OutboxIdentity(state.outboxId(), state.generation()))
            : OutboxIdentity.withoutState(paths, cycles);
    if (!cycles.isEmpty()) {
      LOG.log(
          System.Logger.Level.WARNING,
          "outbox.state was lost and is rebuilt from the queue path={0} cycles={1} "
              + "identity_found={2}",
          held.named().state(),
          String.valueOf(cycles.size()),
          found.isPresent());
    }
    OutboxIdentity identity = found.orElseGet(() -> new OutboxIdentity(randomId(), 1));
    long createdAt = kept.map(OutboxState::createdAt).orElse(now);
    return StateFile.rewrite(
        paths.state(), identity.outbox(), identity.generation(), createdAt, disk);
  }

  private UUID randomId() {
    long high = options.random().nextLong();
    long low = options.random().nextLong();
    return new UUID((high & ~0xF000L) | 0x4000L, (low >>> 2) | 0x8000_0000_0000_0000L);
  }

  /**
   * The highest number that is or was in use: a cycle that was deleted while it was the newest is
   * not used again.
   */
  private static long newest(List<Long> cycles, StateFile state) {
    long byName = cycles.isEmpty() ? RollRule.NONE : cycles.get(cycles.size() - 1);
    long byState = state.newest().map(OutboxState.NewestCycle::cycle).orElse(RollRule.NONE);
    return Math.max(byName, byState);
  }

  /** Null if there is no such file, or its header cannot be parsed. */
  private CycleFile openNewest(long newest, List<Long> cycles, StateFile state) throws IOException {
    if (!cycles.contains(newest)) {
      return null;
    }
    return CycleFile.open(held, new CycleId(state.outboxId(), newest), disk).orElse(null);
  }

  /** FORMAT I7: a reader stays on a cycle that has no EOF; a power cut may have taken it. */
  private void closeCycleBefore(long newest, List<Long> cycles, StateFile state)
      throws IOException {
    for (int i = cycles.size() - 1; i >= 0; i--) {
      long cycle = cycles.get(i);
      if (cycle < newest) {
        if (!state.isFailed(cycle)) {
          closeChain(cycle, state);
        }
        return;
      }
    }
  }

  private void closeChain(long cycle, StateFile state) throws IOException {
    CycleId id = new CycleId(state.outboxId(), cycle);
    try (CycleFile file = CycleFile.open(held, id, disk).orElse(null)) {
      if (file == null || file.findTail(state) != ChainWalk.End.OPEN) {
        return;
      }
      long found = CycleFacts.search(paths.cycle(cycle), state.outboxId()).lastSequence();
      if (found > file.lastSequence()) { // EOF would hide it from readers
        state.giveBehind(found);
        state.markFailed(cycle);
      } else if (!file.writeEof(deadline)) {
        state.markFailed(cycle);
      }
    } catch (NoSuchFileException e) {
      if (Files.exists(paths.queue())) {
        return; // just settled and deleted
      }
      throw e;
    }
  }
}
