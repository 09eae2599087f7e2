package dev.outboxrelay.relay.pipeline;

import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.client.cycle.CycleEntry;
import dev.outboxrelay.client.cycle.CycleScanner;
import dev.outboxrelay.client.cycle.UnreadableBlock;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutboxState;
import dev.outboxrelay.client.files.StateFile;
import dev.outboxrelay.relay.deliver.DeliveryState;
import dev.outboxrelay.relay.deliver.Settled;
import dev.outboxrelay.relay.fact.Counts;
import dev.outboxrelay.relay.fact.Trouble;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.util.List;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.function.Supplier;

/**
 * Where the loop notes what it is doing, and anybody reads it. What writers have appended is read
 * from their files at that moment, so that the lag grows even while the loop is stuck.
 */
final class StatusBoard {
  private final OutboxPaths paths;
  private final UUID outboxId;
  private final long generation;
  private final Counts counts;
  private final Supplier<List<Trouble>> troubles;
  private volatile Note note;

  /**
   * A board that says the same until it is told otherwise.
   *
   * @param troubles what is wrong, from any thread
   */
  StatusBoard(
      OutboxPaths paths,
      OutboxState state,
      Counts counts,
      Supplier<List<Trouble>> troubles,
      Note first) {
    this.paths = paths;
    this.outboxId = state.outboxId();
    this.generation = state.generation();
    this.counts = counts;
    this.troubles = troubles;
    this.note = first;
  }

  /** What only the loop knows. */
  record Note(
      DeliveryState state,
      long stateSinceMillis,
      long tickNanos,
      Settled settled,
      int inFlight,
      long inFlightBytes,
      OptionalLong oldestUnsettledMillis) {}

  /** What the writers' files say. */
  private record Appended(long sequence, long bytes, int cycles, long queueBytes) {}

  void put(Note latest) {
    note = latest;
  }

  /**
   * Takes a snapshot.
   *
   * @param saved the position on disk, null if there is none; a client may have acted on it before
   *     the loop noted it here
   */
  PipelineStatus read(Settled saved) {
    Note now = note;
    long savedSequence = saved == null ? 0 : saved.sequence();
    Settled settled =
        now.settled() == null || savedSequence > now.settled().sequence() ? saved : now.settled();
    long settledSequence = settled == null ? 0 : settled.sequence();
    long settledBytes = settled == null ? 0 : settled.settledBytes();
    Appended appended;
    try {
      appended = appended(settledSequence, settledBytes);
    } catch (IOException | OutboxError e) {
      // The queue can't be read at this moment; what the loop knows is still true.
      appended = new Appended(settledSequence, settledBytes, 0, 0);
    }
    return new PipelineStatus(
        paths.root(),
        outboxId,
        generation,
        now.state(),
        now.stateSinceMillis(),
        troubles.get(),
        now.tickNanos(),
        Math.max(appended.sequence(), settledSequence),
        settledSequence,
        savedSequence,
        Math.max(0, appended.bytes() - settledBytes),
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
        appended.cycles(),
        appended.queueBytes());
  }

  private Appended appended(long settledSequence, long settledBytes) throws IOException {
    List<Long> cycles = paths.cycles();
    long queueBytes = 0;
    for (long cycle : cycles) {
      queueBytes += endOf(cycle, 0);
    }
    OutboxState state = StateFile.read(paths.state()).orElse(null);
    long sequence = state == null ? settledSequence : state.nextSequence() - 1;
    long bytes = settledBytes;
    if (state != null && state.newest().isPresent()) {
      OutboxState.NewestCycle newest = state.newest().get();
      bytes = newest.base() + endOf(newest.cycle(), 1);
    }
    return new Appended(sequence, bytes, cycles.size(), queueBytes);
  }

  /**
   * Where the last record of a cycle ends, as an offset; 0 if there is none.
   *
   * @param fromStart 1 to count from the first data offset instead of from the file's beginning
   */
  private long endOf(long cycle, int fromStart) throws IOException {
    try (CycleScanner scanner = CycleScanner.open(paths.cycle(cycle), outboxId)) {
      long last = scanner.writePosition();
      if (last < scanner.start()) {
        return 0;
      }
      CycleEntry entry = scanner.at(last);
      long end = last;
      if (entry instanceof CycleEntry.Valid valid) {
        end = valid.next();
      } else if (entry instanceof CycleEntry.Corrupt corrupt) {
        end = corrupt.next();
      }
      return end - fromStart * scanner.start();
    } catch (NoSuchFileException | UnreadableBlock e) {
      return 0;
    }
  }
}
