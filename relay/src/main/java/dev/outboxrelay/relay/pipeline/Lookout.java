package dev.outboxrelay.relay.pipeline;

import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.client.cycle.CycleScanner;
import dev.outboxrelay.client.cycle.UnreadableBlock;
import dev.outboxrelay.client.files.FailureCounters;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutboxState;
import dev.outboxrelay.client.files.StateFile;
import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.UUID;

/**
 * Looks at the files of one outbox that writers change. For one thread, which may hang with the
 * disk; a look costs no more than a few files, however many there are.
 */
final class Lookout {
  /** Files whose end is found out in one look; what is not the newest does not change any more. */
  private static final int MOST_NEW_CYCLES = 100;

  private final OutboxPaths paths;
  private final UUID outboxId;
  private final Map<Long, Long> ends = new HashMap<>();

  Lookout(OutboxPaths paths, UUID outboxId) {
    this.paths = paths;
    this.outboxId = outboxId;
  }

  /**
   * The last sequence that a writer gave, now.
   *
   * @param otherwise what to answer if that can't be read
   */
  long appendedSequence(long otherwise) {
    try {
      return StateFile.read(paths.state())
          .filter(state -> state.nextSequence() > 0)
          .map(state -> state.nextSequence() - 1)
          .orElse(otherwise);
    } catch (IOException | OutboxError e) {
      return otherwise;
    }
  }

  /**
   * Looks at them.
   *
   * @param before what was seen before: it stays, with its age, where they can't be read now
   * @param settledSequence everything up to it is settled
   * @param oldest searched for what waits; null if that is known
   */
  Look look(Look before, long settledSequence, OldestWaiting oldest, long nowNanos) {
    try {
      return seen(before, settledSequence, oldest, nowNanos);
    } catch (IOException | RuntimeException e) {
      // Whatever stands there, the other outboxes are looked at all the same.
      return before;
    }
  }

  private Look seen(Look before, long settledSequence, OldestWaiting oldest, long nowNanos)
      throws IOException {
    OutboxState state = StateFile.read(paths.state()).orElse(null);
    if (state == null) {
      return before;
    }
    boolean given = state.nextSequence() > 0; // else a writer is at work, or was killed there
    long sequence = given ? state.nextSequence() - 1 : before.appendedSequence();
    long bytes = before.appendedBytes();
    if (state.newest().isPresent()) {
      OutboxState.NewestCycle newest = state.newest().get();
      bytes = newest.base() + endOf(newest.cycle(), 1);
    }
    List<Long> present = paths.cycles();
    OptionalLong found =
        oldest == null || sequence <= settledSequence
            ? OptionalLong.empty()
            : search(oldest, settledSequence);
    long[] space = space();
    return new Look(
        nowNanos,
        sequence,
        bytes,
        present.size(),
        queueBytes(present),
        settledSequence,
        found,
        space[0],
        space[1],
        refused());
  }

  private long queueBytes(List<Long> cycles) throws IOException {
    ends.keySet().retainAll(cycles);
    long bytes = 0;
    int looked = 0;
    for (int i = cycles.size() - 1; i >= 0; i--) {
      long cycle = cycles.get(i);
      Long end = ends.get(cycle);
      if (end == null && looked++ < MOST_NEW_CYCLES) {
        end = endOf(cycle, 0);
        if (i < cycles.size() - 1) {
          ends.put(cycle, end);
        }
      }
      bytes += end == null ? 0 : end;
    }
    return bytes;
  }

  /**
   * Where the last record of a cycle ends, as an offset; 0 if there is none.
   *
   * @param fromStart 1 to count from the first data offset instead of from the file's beginning
   */
  private long endOf(long cycle, int fromStart) throws IOException {
    try (CycleScanner scanner = CycleScanner.open(paths.cycle(cycle), outboxId)) {
      long end = scanner.writtenEnd();
      return end == scanner.start() ? 0 : end - fromStart * scanner.start();
    } catch (NoSuchFileException | UnreadableBlock e) {
      return 0;
    }
  }

  private OptionalLong search(OldestWaiting oldest, long settledSequence) {
    try {
      return oldest.appendMillis(paths, settledSequence);
    } catch (IOException | RuntimeException e) {
      return OptionalLong.empty();
    }
  }

  private long[] space() {
    try {
      FileStore disk = Files.getFileStore(paths.root());
      return new long[] {disk.getUsableSpace(), disk.getTotalSpace()};
    } catch (IOException e) {
      return new long[] {-1, -1};
    }
  }

  private Map<FailureCounters.Reason, Long> refused() {
    try {
      return FailureCounters.read(paths.failures());
    } catch (IOException e) {
      return Map.of();
    }
  }
}
