package dev.outboxrelay.client.writing;

import dev.outboxrelay.client.OutboxUnavailable;
import dev.outboxrelay.client.disk.DiskErrors;
import dev.outboxrelay.client.disk.Folder;
import dev.outboxrelay.client.files.FailureCounters;
import dev.outboxrelay.client.lock.LockDeadline;
import dev.outboxrelay.client.lock.LockLost;
import dev.outboxrelay.client.lock.WritersLock;
import dev.outboxrelay.client.record.Draft;
import java.io.Closeable;
import java.io.IOException;
import java.util.List;
import java.util.UUID;

/**
 * Takes the writers' lock and publishes drafts under it, each in the cycle that it belongs to;
 * behind it, brings them to stable storage. Safe for many threads.
 */
final class Publisher implements Closeable {
  private final WriterOptions options;
  private final FailureCounters failures;
  private final WritersLock lock;
  private WriterSession session; // guarded by lock
  private volatile long failedCycle = RollRule.NONE; // its mark could not be set yet
  private volatile boolean closed;

  /** Opens nothing yet. */
  Publisher(WriterOptions options, FailureCounters failures) {
    this.options = options;
    this.failures = failures;
    lock = new WritersLock(options.paths().lock(), options.disk(), options.random());
  }

  /** Checks the directory, creates what is missing, and mends what a crash has left. */
  void open() throws IOException {
    options.now(); // or refused, before anything is made
    try (LockDeadline deadline = deadline()) {
      deadline.retryWhileInterrupted(
          () -> {
            OutboxDirectory.open(options);
            return options;
          });
      useOnce(deadline);
    }
  }

  /**
   * Appends a draft.
   *
   * @param ids of its events
   */
  Published append(Draft draft, List<UUID> ids) throws IOException {
    try (LockDeadline deadline = deadline()) {
      Published published =
          deadline.retryWhileInterrupted(
              () -> underLock(deadline, opened -> publish(opened, draft, ids, deadline)));
      if (published.commit() != null) {
        syncAndClose(published, ids, deadline);
      }
      return published;
    } catch (InternalError e) { // may come late: what was stored by then is not known
      throw DiskErrors.of(e, options.paths().root(), ids);
    }
  }

  private Published publish(
      WriterSession opened, Draft draft, List<UUID> ids, LockDeadline deadline) throws IOException {
    long now = options.now();
    WriterSession current = inCycleFor(draft, opened, now, deadline);
    if (lock.wasLost()) {
      throw new LockLost(options.paths().lock());
    }
    Published published;
    try {
      published = current.append(draft, now, deadline);
    } catch (WriterSession.CycleFailed e) {
      current = inCycleFor(draft, current, now, deadline); // another one, once
      published = current.append(draft, now, deadline);
    }
    if (lock.wasLost()) {
      if (published.commit() != null) {
        closeQuietly(published.commit());
      }
      throw LockLost.behindPublishing(options.paths().lock(), ids);
    }
    try {
      current.book(draft, published.sequence());
    } catch (RuntimeException | Error e) {
      dropSession(); // it is published: the next append finds and books it
    }
    return published;
  }

  /** Sees to it that the newest cycle is the one that the record goes to. */
  private WriterSession inCycleFor(
      Draft draft, WriterSession opened, long now, LockDeadline deadline) throws IOException {
    WriterSession current = opened;
    long cycle = current.cycleFor(draft.span(false), now);
    if (cycle == current.newest()) {
      return current;
    }
    while (true) {
      // Other writers roll, too: what is held open never decides it.
      current = reopen(deadline);
      cycle = current.cycleFor(draft.span(false), now);
      if (cycle == current.newest() || current.begin(cycle, draft, now, deadline)) {
        return current;
      }
    }
  }

  private interface Work<T> {
    T with(WriterSession opened) throws IOException;
  }

  /** Does some work with a session that is in place. An error throws the session away. */
  private <T> T underLock(LockDeadline deadline, Work<T> work) throws IOException {
    lock.acquire(deadline);
    boolean done = false;
    try {
      if (closed) {
        throw new IllegalStateException("the outbox " + options.paths().root() + " is closed");
      }
      boolean continues = lock.continuesWhereItWas() && session != null && session.isInPlace();
      WriterSession usable = continues ? session : reopen(deadline);
      if (failedCycle != RollRule.NONE) {
        usable.markFailed(failedCycle);
        failedCycle = RollRule.NONE;
      }
      T result = work.with(usable);
      done = true;
      return result;
    } catch (IOException e) {
      throw Folder.named(e);
    } finally {
      try {
        if (!done) {
          dropSession();
        }
      } finally {
        release();
      }
    }
  }

  /** Needs nothing that could fail for want of memory: a lock that is not given back stays. */
  private void release() {
    try {
      lock.release();
    } catch (IOException e) {
      // the channel was closed instead, and the lock is gone
    }
  }

  /** Opens, and mends and marks what is to be. */
  private void useOnce(LockDeadline deadline) throws IOException {
    try {
      deadline.retryWhileInterrupted(() -> underLock(deadline, WriterSession::newest));
    } catch (InternalError e) {
      throw DiskErrors.of(e, options.paths().root(), List.of());
    }
  }

  private WriterSession reopen(LockDeadline deadline) throws IOException {
    dropSession();
    session = Recovery.open(options, lock, deadline);
    failures.make(session.paths().failures());
    return session;
  }

  private void dropSession() {
    WriterSession dropped = session;
    session = null;
    if (dropped != null) {
      closeQuietly(dropped);
    }
  }

  /** Brings published records to stable storage; other writers go on meanwhile. */
  private void syncAndClose(Published published, List<UUID> ids, LockDeadline deadline) {
    try {
      published.commit().sync(published, deadline);
    } catch (IOException e) {
      markFailed(published.cycle());
      String why = "the fsync failed: " + e.getMessage() + "; check the disk";
      throw new OutboxUnavailable(DiskErrors.maybeAppended(ids, why), e, ids);
    } finally {
      closeQuietly(published.commit());
    }
  }

  /**
   * A later fsync of the same file could succeed without the data, so nobody appends to it again.
   */
  private void markFailed(long cycle) {
    failedCycle = cycle;
    try (LockDeadline deadline = deadline()) {
      useOnce(deadline);
    } catch (IOException | RuntimeException e) {
      // the next append marks it
    }
  }

  private LockDeadline deadline() {
    return new LockDeadline(options.lockTimeout(), options.random());
  }

  /** Nothing is buffered in a descriptor: closing loses nothing. */
  private static void closeQuietly(Closeable open) {
    try {
      open.close();
    } catch (IOException e) {
      // as above
    }
  }

  /** Waits for the append that is under way; later ones are an {@link IllegalStateException}. */
  @Override
  public void close() throws IOException {
    try (LockDeadline deadline = deadline()) {
      closed = true;
      lock.close();
      dropSession();
    }
  }
}
