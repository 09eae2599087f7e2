package dev.outboxrelay.client.writing;

import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.client.cycle.ChainWalk;
import dev.outboxrelay.client.disk.DiskErrors;
import dev.outboxrelay.client.disk.Folder;
import dev.outboxrelay.client.files.CycleFacts;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.lock.LockDeadline;
import dev.outboxrelay.client.lock.WritersLock;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.UUID;

/**
 * Changes to a queue that are no appends, for the relay and its repair: each call takes the
 * writers' lock, does one thing and releases it. What a crash has left is mended first, as a writer
 * does that opens. For one thread.
 *
 * <p>All calls throw {@link dev.outboxrelay.client.OutboxBusy} if the lock was not to be had in
 * time, and other {@link OutboxError}s where an append would.
 */
public final class QueueMaintenance implements Closeable {
  private final WriterOptions options;
  private final WritersLock lock;
  private final HeldDirectories only;

  public QueueMaintenance(WriterOptions options) {
    this(options, null);
  }

  /**
   * For these directories and no others, wherever the paths of the options lead later.
   *
   * @param only stays open as long as this is used
   */
  public QueueMaintenance(WriterOptions options, HeldDirectories only) {
    this.options = options;
    this.only = only;
    lock = new WritersLock(options.paths().lock(), options.disk(), options.random());
  }

  /** What became of a request to close a cycle. */
  public enum Sealing {
    /** EOF was written. */
    SEALED,
    /** It had EOF already. */
    WAS_SEALED,
    /** It is the newest: writers close it. */
    IS_NEWEST,
    /**
     * Its chain of entries is damaged, or the disk where it ends: no EOF can be written without
     * overwriting or hiding what may be events.
     */
    IS_DAMAGED,
    /** There is no such file. */
    IS_MISSING
  }

  /** What became of a request to delete a cycle. */
  public enum Deletion {
    DELETED,
    /** Never deleted, whatever was settled. */
    IS_NEWEST,
    /** It carries no EOF, so it may not be all that was appended: seal it first. */
    IS_NOT_SEALED,
    /** There is no such file. */
    IS_MISSING
  }

  /**
   * Writes EOF into a cycle that is not the newest, if its chain can be followed to its end and no
   * record stands behind that, which EOF would hide.
   */
  public Sealing seal(long cycle) {
    return underLock(
        (session, deadline) -> {
          OutboxPaths paths = session.paths();
          List<Long> cycles = paths.cycles();
          if (!cycles.contains(cycle)) {
            return Sealing.IS_MISSING;
          }
          if (isNewest(cycle, cycles)) {
            return Sealing.IS_NEWEST;
          }
          try (CycleFile file = session.openCycle(cycle).orElse(null)) {
            ChainWalk.End end =
                file == null ? ChainWalk.End.BROKEN : file.findTail(session.state());
            return switch (end) {
              case BROKEN -> Sealing.IS_DAMAGED;
              case CLOSED -> Sealing.WAS_SEALED;
              case OPEN -> {
                UUID outbox = session.state().outboxId();
                long found = CycleFacts.search(paths.cycle(cycle), outbox).lastSequence();
                if (found > file.lastSequence()) {
                  yield Sealing.IS_DAMAGED;
                }
                yield file.writeEof(deadline) ? Sealing.SEALED : Sealing.IS_DAMAGED;
              }
            };
          }
        });
  }

  /** Deletes a cycle, of which everything must be settled, and its listing. */
  public Deletion delete(long cycle) {
    return underLock(
        (session, deadline) -> {
          OutboxPaths paths = session.paths();
          List<Long> cycles = paths.cycles();
          if (!cycles.contains(cycle)) {
            return Deletion.IS_MISSING;
          }
          if (isNewest(cycle, cycles)) {
            return Deletion.IS_NEWEST;
          }
          if (!CycleFacts.read(paths.cycle(cycle), session.state().outboxId()).sealed()) {
            return Deletion.IS_NOT_SEALED;
          }
          Files.delete(paths.cycle(cycle));
          session.listCycles(options.now());
          return Deletion.DELETED;
        });
  }

  /** No writer appends to this cycle again; they go on in the next one. */
  public void markFailed(long cycle) {
    underLock(
        (session, deadline) -> {
          session.markFailed(cycle);
          return true;
        });
  }

  /**
   * Repairs everything that a writer repairs when it opens: the state, Chronicle's listing, a
   * missing EOF.
   */
  public void mend() {
    underLock((session, deadline) -> true);
  }

  private static boolean isNewest(long cycle, List<Long> cycles) {
    return cycle == cycles.get(cycles.size() - 1);
  }

  private interface Work<T> {
    T with(WriterSession session, LockDeadline deadline) throws IOException;
  }

  /** An error is told while what it happened to still has a name. */
  private static <T> T named(Work<T> work, WriterSession session, LockDeadline deadline)
      throws IOException {
    try {
      return work.with(session, deadline);
    } catch (IOException e) {
      throw Folder.named(e);
    }
  }

  private <T> T underLock(Work<T> work) {
    try (LockDeadline deadline = new LockDeadline(options.lockTimeout(), options.random())) {
      return deadline.retryWhileInterrupted(
          () -> {
            lock.acquire(deadline);
            try (WriterSession session = Recovery.open(options, lock, deadline, only)) {
              return named(work, session, deadline);
            } finally {
              lock.release();
            }
          });
    } catch (IOException e) {
      throw DiskErrors.of(e, options.paths().root());
    }
  }

  @Override
  public void close() throws IOException {
    lock.close();
  }
}
