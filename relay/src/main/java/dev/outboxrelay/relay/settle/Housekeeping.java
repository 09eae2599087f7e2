package dev.outboxrelay.relay.settle;

import dev.outboxrelay.client.cycle.CycleEntry;
import dev.outboxrelay.client.cycle.CycleScanner;
import dev.outboxrelay.client.cycle.UnreadableBlock;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.writing.HeldDirectories;
import dev.outboxrelay.client.writing.QueueMaintenance;
import dev.outboxrelay.client.writing.QueueMaintenance.Deletion;
import dev.outboxrelay.client.writing.WriterOptions;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.UUID;

/**
 * Changes to the queue that only the holder of the writers' lock may make. Each takes the lock for
 * a moment, with a deadline. For one thread.
 */
final class Housekeeping implements Closeable {
  /** Nothing here is urgent, and positions wait behind it. */
  private static final Duration LOCK_TIMEOUT = Duration.ofSeconds(1);

  private final UUID outbox;
  private final OutboxPaths paths;
  private final QueueMaintenance queue;

  Housekeeping(WriterOptions options, HeldDirectories held, UUID outbox) {
    this.outbox = outbox;
    this.paths = held.paths();
    this.queue = new QueueMaintenance(options.withLockTimeout(LOCK_TIMEOUT), held);
  }

  /** No writer appends to this cycle again. */
  void markFailed(long cycle) {
    queue.markFailed(cycle);
  }

  /** Writes the end mark into a cycle that lacks it, if its entries can be followed to the end. */
  void seal(long cycle) {
    var unused = queue.seal(cycle);
  }

  /**
   * Deletes settled cycles, oldest first.
   *
   * @param below only cycles with a lower number than this one
   * @param appendedBeforeMillis only cycles whose last record was appended before, milliseconds
   *     since the epoch
   */
  SettledFiles.Deleted deleteSettled(long below, long appendedBeforeMillis) throws IOException {
    long newest = -1;
    int cycles = 0;
    long bytes = 0;
    for (long cycle : paths.cycles()) {
      if (cycle >= below) {
        break;
      }
      Last last = lastOf(cycle);
      if (last.appendMillis() < appendedBeforeMillis && delete(cycle)) {
        newest = cycle;
        cycles++;
        bytes += last.end();
      }
    }
    return new SettledFiles.Deleted(newest, cycles, bytes);
  }

  private boolean delete(long cycle) {
    Deletion deletion = queue.delete(cycle);
    if (deletion == Deletion.IS_NOT_SEALED) {
      // A damaged one can't be sealed; it stays for a person to look at.
      seal(cycle);
      deletion = queue.delete(cycle);
    }
    return deletion == Deletion.DELETED;
  }

  private record Last(long appendMillis, long end) {}

  private Last lastOf(long cycle) throws IOException {
    try (CycleScanner scanner = CycleScanner.open(paths.cycle(cycle), outbox)) {
      long last = scanner.writePosition();
      if (last >= scanner.start() && scanner.at(last) instanceof CycleEntry.Valid valid) {
        return new Last(valid.record().appendTime(), valid.next());
      }
    } catch (UnreadableBlock e) {
      // Its own time does.
    }
    return new Last(Files.getLastModifiedTime(paths.cycle(cycle)).toMillis(), 0);
  }

  @Override
  public void close() throws IOException {
    queue.close();
  }
}
