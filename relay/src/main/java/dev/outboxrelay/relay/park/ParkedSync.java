package dev.outboxrelay.relay.park;

import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.disk.DiskStep;
import dev.outboxrelay.client.disk.SafeFiles;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutboxState;
import dev.outboxrelay.client.files.StateFile;
import dev.outboxrelay.relay.sync.CycleSync;
import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Brings a parked topic's outbox to stable storage, but for its own name. For one thread. */
final class ParkedSync implements Closeable {
  private static final long NONE = -1;

  private final Disk disk;
  private CycleSync cycles; // null until it is needed
  private long from; // the cycle to begin with: what an earlier relay has synced is not known
  private long synced = NONE; // the newest cycle of the last sync
  private boolean named; // the names of its directories are on stable storage, as of the last sync

  /** Cycles to which nobody appended any more when the first of what is to be synced came. */
  private Set<Long> failedBefore = new HashSet<>();

  ParkedSync(Disk disk) {
    this.disk = disk;
  }

  /** Nothing is to be synced yet. */
  void begin(OutboxPaths paths) throws IOException {
    failedBefore = new HashSet<>(failed(StateFile.read(paths.state())));
  }

  private static List<Long> failed(Optional<OutboxState> state) {
    return state.map(OutboxState::failedCycles).orElse(List.of());
  }

  /**
   * A cycle that was marked failed since; −1 if there is none. Of an error of the disk the system
   * tells one descriptor for sure, and that may be the one of the topic's own delivery.
   */
  long failedSince(OutboxPaths paths) throws IOException {
    for (long cycle : failed(StateFile.read(paths.state()))) {
      if (!failedBefore.contains(cycle)) {
        return cycle;
      }
    }
    return NONE;
  }

  /** Somebody has removed the outbox, and there is a new one. */
  void beginAnew() throws IOException {
    startBehind(NONE);
    synced = NONE;
    named = false;
    failedBefore.clear();
  }

  /** Whether the directory that it lies in need not be synced. */
  boolean isNamed() {
    return named;
  }

  /** All that was in this cycle is in a later one now: no sync of it counts any more. */
  void startBehind(long failedCycle) throws IOException {
    close();
    cycles = null;
    from = failedCycle + 1;
    failedBefore.add(failedCycle);
  }

  /**
   * Syncs all that is published by now.
   *
   * @throws dev.outboxrelay.relay.sync.CycleSyncException if the operating system could not write a
   *     cycle
   */
  void sync(OutboxPaths paths) throws IOException {
    List<Long> present = paths.cycles();
    if (present.isEmpty()) {
      return; // somebody removed them
    }
    long newest = present.get(present.size() - 1);
    if (!named || newest != synced) {
      syncNames(paths);
    }
    if (cycles == null) {
      cycles = new CycleSync(paths, from, disk);
    }
    cycles.syncUpTo(newest);
    synced = newest;
  }

  private void syncNames(OutboxPaths paths) throws IOException {
    disk.syncDirectory(paths.queue(), DiskStep.LINK);
    syncFile(paths.metadata(), DiskStep.LISTING);
    syncFile(paths.state(), DiskStep.STATE);
    disk.syncDirectory(paths.root(), DiskStep.LINK);
    named = true;
  }

  private void syncFile(Path file, DiskStep step) throws IOException {
    try (FileChannel channel = SafeFiles.openToRead(file)) {
      disk.sync(channel, false, step);
    }
  }

  /** Closes what is open; it is opened again if need be. */
  @Override
  public void close() throws IOException {
    if (cycles != null) {
      cycles.close();
    }
  }
}
