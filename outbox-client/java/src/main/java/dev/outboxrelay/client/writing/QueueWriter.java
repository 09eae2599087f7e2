package dev.outboxrelay.client.writing;

import dev.outboxrelay.client.Durability;
import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.OutboxUnavailable;
import dev.outboxrelay.client.Receipt;
import dev.outboxrelay.client.disk.DiskErrors;
import dev.outboxrelay.client.disk.Folder;
import dev.outboxrelay.client.files.FailureCounters;
import dev.outboxrelay.client.lock.LockDeadline;
import dev.outboxrelay.client.lock.LockLost;
import dev.outboxrelay.client.lock.WritersLock;
import dev.outboxrelay.client.record.BatchDraft;
import dev.outboxrelay.client.record.Draft;
import dev.outboxrelay.client.record.EventIds;
import dev.outboxrelay.client.record.RecordDraft;
import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * Appends events by the writers' protocol. Safe for many threads; interrupts neither end an append
 * nor get lost. Start reading at {@link #append}.
 */
public final class QueueWriter implements Closeable {
  private final WriterOptions options;
  private final WritersLock lock;
  private final EventIds eventIds;
  private final FailureCounters failures;
  private final ConcurrentLinkedQueue<RecordDraft> drafts = new ConcurrentLinkedQueue<>();
  private WriterSession session; // guarded by lock
  private volatile long failedCycle = RollRule.NONE; // its mark could not be set yet
  private volatile boolean closed;

  private QueueWriter(WriterOptions options) {
    this.options = options;
    lock = new WritersLock(options.paths().lock(), options.disk(), options.random());
    eventIds = new EventIds(options.clock(), options.random());
    failures = new FailureCounters(options.paths().failures(), options.disk());
  }

  /** Checks the directory, creates what is missing, and mends what a crash has left. */
  public static QueueWriter open(WriterOptions options) {
    QueueWriter writer = new QueueWriter(options);
    options.now(); // or refused, before anything is made
    try (LockDeadline deadline = writer.deadline()) {
      deadline.retryWhileInterrupted(
          () -> {
            OutboxDirectory.open(options);
            return options;
          });
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
      UUID eventId = idOf(event);
      draft.prepare(event, eventId);
      return receipt(append(draft, eventId), 0, eventId);
    } catch (OutboxError e) {
      failures.count(e);
      throw e;
    } catch (IOException e) {
      throw counted(e);
    } finally {
      drafts.offer(draft);
    }
  }

  /**
   * Appends events, all or none, and nothing between them.
   *
   * @return where they stand, in their order
   * @throws OutboxError as for one event; {@link OutboxError#maybeAppended} is then the first one's
   *     id
   */
  public List<Receipt> appendAll(List<OutboxEvent> events) {
    if (events.size() < 2) {
      return events.stream().map(this::append).toList();
    }
    try {
      List<UUID> ids = events.stream().map(this::idOf).toList();
      BatchDraft draft = new BatchDraft(options.limits(), events, ids);
      WriterSession.Published published = append(draft, ids.get(0));
      List<Receipt> receipts = new ArrayList<>();
      for (UUID id : ids) {
        receipts.add(receipt(published, receipts.size(), id));
      }
      return receipts;
    } catch (OutboxError e) {
      failures.count(e);
      throw e;
    } catch (IOException e) {
      throw counted(e);
    }
  }

  private UUID idOf(OutboxEvent event) {
    return event.eventId() == null ? eventIds.next() : event.eventId();
  }

  private OutboxError counted(IOException e) {
    OutboxError error = DiskErrors.of(e, options.paths().root());
    failures.count(error);
    return error;
  }

  private Receipt receipt(WriterSession.Published published, int number, UUID eventId) {
    return new Receipt(
        published.outbox(),
        published.generation(),
        published.sequence() + number,
        eventId,
        options.durability());
  }

  private WriterSession.Published append(Draft draft, UUID eventId) throws IOException {
    try (LockDeadline deadline = deadline()) {
      WriterSession.Published published =
          deadline.retryWhileInterrupted(
              () -> underLock(deadline, opened -> publish(opened, draft, eventId, deadline)));
      if (options.durability() == Durability.POWER) {
        syncAndClose(published, eventId, deadline);
      }
      return published;
    } catch (InternalError e) { // may come late: what was stored by then is not known
      throw DiskErrors.of(e, options.paths().root(), eventId);
    }
  }

  private WriterSession.Published publish(
      WriterSession opened, Draft draft, UUID eventId, LockDeadline deadline) throws IOException {
    long now = options.now();
    WriterSession current = inCycleFor(draft, opened, now, deadline);
    if (lock.wasLost()) {
      throw new LockLost(options.paths().lock());
    }
    WriterSession.Published published;
    try {
      published = current.append(draft, now, deadline);
    } catch (WriterSession.CycleFailed e) {
      current = inCycleFor(draft, current, now, deadline); // another one, once
      published = current.append(draft, now, deadline);
    }
    if (lock.wasLost()) {
      if (options.durability() == Durability.POWER) {
        closeQuietly(published.file());
      }
      throw LockLost.behindPublishing(options.paths().lock(), eventId);
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
      throw DiskErrors.of(e, options.paths().root(), null);
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

  /** Brings a published record to stable storage; other writers go on meanwhile. */
  private void syncAndClose(
      WriterSession.Published published, UUID eventId, LockDeadline deadline) {
    CycleDescriptors file = published.file();
    try {
      sync(file, deadline);
    } catch (IOException e) {
      markFailed(published.cycle());
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

  private void sync(CycleDescriptors file, LockDeadline deadline) throws IOException {
    try {
      file.sync();
    } catch (ClosedChannelException e) { // by an interrupt of this thread, or of one that wrote
      deadline.keepInterrupt();
      file.syncInterrupted();
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
