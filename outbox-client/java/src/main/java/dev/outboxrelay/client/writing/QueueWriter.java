package dev.outboxrelay.client.writing;

import dev.outboxrelay.client.Durability;
import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.OutboxUnavailable;
import dev.outboxrelay.client.Receipt;
import dev.outboxrelay.client.disk.DiskErrors;
import dev.outboxrelay.client.disk.DiskStep;
import dev.outboxrelay.client.disk.SafeFiles;
import dev.outboxrelay.client.files.FailureCounters;
import dev.outboxrelay.client.lock.LockDeadline;
import dev.outboxrelay.client.lock.LockLost;
import dev.outboxrelay.client.lock.WritersLock;
import dev.outboxrelay.client.record.EventIds;
import dev.outboxrelay.client.record.RecordDraft;
import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * Appends events by the writers' protocol. Safe for many threads; interrupts neither end an append
 * nor get lost. Start reading at {@link #append}.
 */
public final class QueueWriter implements Closeable {
  private final WriterOptions options;
  private final WritersLock lock;
  private final Recovery recovery;
  private final EventIds eventIds;
  private final FailureCounters failures;
  private final ConcurrentLinkedQueue<RecordDraft> drafts = new ConcurrentLinkedQueue<>();
  private WriterSession session; // guarded by lock
  private volatile long failedCycle = RollRule.NONE; // its mark could not be set yet
  private volatile boolean closed;

  private QueueWriter(WriterOptions options) {
    this.options = options;
    lock = new WritersLock(options.paths().lock(), options.disk(), options.random());
    recovery = new Recovery(options);
    eventIds = new EventIds(options.clock(), options.random());
    failures = new FailureCounters(options.paths().failures(), options.disk());
  }

  /** Checks the directory, creates what is missing, and mends what a crash has left. */
  public static QueueWriter open(WriterOptions options) {
    QueueWriter writer = new QueueWriter(options);
    try (LockDeadline deadline = writer.deadline()) {
      OutboxDirectory.open(options);
      writer.useOnce(deadline);
      return writer;
    } catch (IOException e) {
      throw DiskErrors.of(e, options.paths().root());
    }
  }

  /**
   * Appends an event.
   *
   * @return where it stands; it is published, and in {@code power} durability on stable storage
   * @throws OutboxError if it was not appended, or may be ({@link OutboxError#maybeAppended})
   */
  public Receipt append(OutboxEvent event) {
    RecordDraft draft = drafts.poll();
    if (draft == null) {
      draft = new RecordDraft(options.limits());
    }
    try {
      return append(event, draft);
    } catch (OutboxError e) {
      failures.count(e);
      throw e;
    } catch (IOException e) {
      OutboxError error = DiskErrors.of(e, options.paths().root());
      failures.count(error);
      throw error;
    } finally {
      drafts.offer(draft);
    }
  }

  private Receipt append(OutboxEvent event, RecordDraft draft) throws IOException {
    UUID eventId = event.eventId() == null ? eventIds.next() : event.eventId();
    try (LockDeadline deadline = deadline()) {
      draft.prepare(event, eventId);
      WriterSession.Published published =
          deadline.retryWhileInterrupted(
              () -> underLock(deadline, opened -> publish(opened, draft, eventId, deadline)));
      if (options.durability() == Durability.POWER) {
        syncAndClose(published.file(), eventId, deadline);
      }
      return new Receipt(
          published.outbox(),
          published.generation(),
          published.sequence(),
          eventId,
          options.durability());
    } catch (InternalError e) { // may come late: what was stored by then is not known
      throw faultInMapping("the event " + eventId + " may be appended, but ", e, eventId);
    }
  }

  private WriterSession.Published publish(
      WriterSession opened, RecordDraft draft, UUID eventId, LockDeadline deadline)
      throws IOException {
    WriterSession current = opened;
    long now = options.clock().millis();
    long cycle = current.cycleFor(draft.length(false), now);
    if (cycle != current.newest()) {
      // Before a roll, what the directory says counts, not what was kept open.
      current = reopen();
      cycle = current.cycleFor(draft.length(false), now);
      if (cycle != current.newest()) {
        current.begin(cycle, now);
      }
    }
    if (lock.wasLost()) {
      throw new LockLost(options.paths().lock());
    }
    WriterSession.Published published = current.append(draft, now, deadline);
    if (lock.wasLost()) {
      throw new OutboxUnavailable(
          "the event "
              + eventId
              + " may be appended, but something in this JVM opened and closed "
              + options.paths().lock()
              + ", and with that the lock was lost: leave that file alone (backups, scanners); "
              + "retry with the same event id",
          null,
          eventId);
    }
    if (options.durability() == Durability.POWER) {
      published.file().retain();
    }
    try {
      current.book(draft, published.sequence());
    } catch (RuntimeException | Error e) {
      dropSession(); // it is published: the next append finds and books it
    }
    return published;
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
      WriterSession usable = continues ? session : reopen();
      if (failedCycle != RollRule.NONE) {
        usable.markFailed(failedCycle);
        failedCycle = RollRule.NONE;
      }
      T result = work.with(usable);
      done = true;
      return result;
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
      throw faultInMapping("", e, null);
    }
  }

  private OutboxUnavailable faultInMapping(String what, InternalError fault, UUID maybeAppended) {
    return new OutboxUnavailable(
        what
            + "a file of "
            + options.paths().root()
            + " was cut, or its disk is failing"
            + (maybeAppended == null ? "" : "; retry with the same event id"),
        fault,
        maybeAppended);
  }

  private WriterSession reopen() throws IOException {
    dropSession();
    session = recovery.open();
    failures.make();
    return session;
  }

  private void dropSession() {
    WriterSession dropped = session;
    session = null;
    if (dropped != null) {
      closeQuietly(dropped);
    }
  }

  /** Brings a published record to stable storage; other writers go on meanwhile. */
  private void syncAndClose(CycleFile file, UUID eventId, LockDeadline deadline) {
    try {
      sync(file, deadline);
    } catch (IOException e) {
      markFailed(file.cycle());
      throw new OutboxUnavailable(
          "the event "
              + eventId
              + " may be appended, but its fsync failed: "
              + e.getMessage()
              + "; retry with the same event id, and check the disk",
          e,
          eventId);
    } finally {
      closeQuietly(file);
    }
  }

  private void sync(CycleFile file, LockDeadline deadline) throws IOException {
    try {
      file.sync();
    } catch (ClosedChannelException e) { // by an interrupt of this thread, or of one that wrote
      deadline.keepInterrupt();
      deadline.retryWhileInterrupted(
          () -> {
            try (FileChannel again = SafeFiles.open(file.path())) {
              options.disk().sync(again, false, DiskStep.PAYLOAD);
            }
            return file;
          });
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

  /**
   * Waits for the append that is under way, then closes; later appends are an {@link
   * IllegalStateException}.
   */
  @Override
  public void close() {
    try (LockDeadline deadline = deadline()) {
      closed = true;
      lock.close();
      dropSession();
    } catch (IOException e) {
      throw DiskErrors.of(e, options.paths().root());
    }
  }
}
