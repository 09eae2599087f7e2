package dev.outboxrelay.relay.pipeline;

import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutboxState;
import dev.outboxrelay.relay.deliver.Settled;
import dev.outboxrelay.relay.deliver.Standing;
import dev.outboxrelay.relay.fact.Counts;
import dev.outboxrelay.relay.fact.Held;
import dev.outboxrelay.relay.fact.Trouble;
import dev.outboxrelay.relay.fact.Troubles;
import dev.outboxrelay.relay.sync.OutboxSync.Unsynced;
import java.util.List;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.function.Supplier;

/**
 * Where the loop notes what it is doing, and another thread what the writers' files say, so that
 * the lag grows even while the loop is stuck; anybody reads it, and waits for no disk.
 */
final class StatusBoard {
  private final OutboxPaths paths;
  private final UUID outboxId;
  private final long generation;
  private final Counts counts;
  private final Troubles troubles;
  private final Lookout lookout;
  private final Supplier<Unsynced> unsynced;
  private final Supplier<Held> parked;
  private final Supplier<OptionalLong> uncopied;
  private volatile Note note;
  private volatile Look look;

  /**
   * A board that says the same until it is told otherwise.
   *
   * @param troubles what is wrong
   * @param unsynced what is not on stable storage, from any thread
   * @param parked what is parked, from any thread
   * @param uncopied dead letters that their topic lacks, from any thread
   */
  StatusBoard(
      OutboxPaths paths,
      OutboxState state,
      Counts counts,
      Troubles troubles,
      Supplier<Unsynced> unsynced,
      Supplier<Held> parked,
      Supplier<OptionalLong> uncopied,
      Note first) {
    this.paths = paths;
    this.outboxId = state.outboxId();
    this.generation = state.generation();
    this.counts = counts;
    this.troubles = troubles;
    this.unsynced = unsynced;
    this.parked = parked;
    this.uncopied = uncopied;
    this.note = first;
    this.lookout = new Lookout(paths, outboxId);
    this.look = Look.first(first.tickNanos(), state.nextSequence() - 1);
  }

  /** What only the loop knows. */
  record Note(
      Standing state,
      long stateSinceMillis,
      long tickNanos,
      Settled settled,
      int inFlight,
      long inFlightBytes,
      OptionalLong oldestUnsettledMillis) {}

  List<Trouble> troubles() {
    return troubles.now();
  }

  void put(Note latest) {
    note = latest;
  }

  /** What is settled: a client may have acted on a position before the loop noted it here. */
  private static Settled settled(Note now, Settled saved) {
    long savedSequence = saved == null ? 0 : saved.sequence();
    return now.settled() == null || savedSequence > now.settled().sequence()
        ? saved
        : now.settled();
  }

  /**
   * Looks at the writers' files, for all snapshots until the next look. For one thread, not the
   * loop's.
   *
   * @param saved the position on disk, null if there is none
   * @param oldest finds what waits that the loop has not read
   */
  void look(Settled saved, OldestWaiting oldest, long nowNanos) {
    Note now = note;
    Settled settled = settled(now, saved);
    look =
        lookout.look(
            look,
            settled == null ? 0 : settled.sequence(),
            now.oldestUnsettledMillis().isPresent() ? null : oldest,
            nowNanos);
  }

  /** The last sequence that a writer gave: one small file is read now. */
  long appendedNow() {
    return lookout.appendedSequence(look.appendedSequence());
  }

  /**
   * Takes a snapshot, from memory.
   *
   * @param saved the position on disk, null if there is none
   */
  PipelineStatus read(Settled saved) {
    Note now = note;
    long savedSequence = saved == null ? 0 : saved.sequence();
    Settled settled = settled(now, saved);
    long settledSequence = settled == null ? 0 : settled.sequence();
    long settledBytes = settled == null ? 0 : settled.settledBytes();
    Look seen = look;
    return new PipelineStatus(
        paths.root(),
        outboxId,
        generation,
        now.state(),
        now.stateSinceMillis(),
        troubles.now(),
        troubles.bars(),
        now.tickNanos(),
        Math.max(seen.appendedSequence(), settledSequence),
        settledSequence,
        savedSequence,
        Math.max(0, seen.appendedBytes() - settledBytes),
        now.inFlight(),
        now.inFlightBytes(),
        now.oldestUnsettledMillis(),
        counts.lastDeliveryMillis(),
        counts.delivered(),
        counts.retried(),
        counts.deadLetters(),
        counts.quarantined(),
        counts.missing(),
        counts.cluster(),
        counts.clusterChanges(),
        unsynced.get(),
        parked.get(),
        uncopied.get(),
        seen);
  }
}
