package dev.outboxrelay.client.writing;

import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.Receipt;
import dev.outboxrelay.client.disk.DiskErrors;
import dev.outboxrelay.client.files.FailureCounters;
import dev.outboxrelay.client.record.BatchDraft;
import dev.outboxrelay.client.record.EventIds;
import dev.outboxrelay.client.record.RecordDraft;
import java.io.Closeable;
import java.io.IOException;
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
  private final Publisher publisher;
  private final EventIds eventIds;
  private final FailureCounters failures;
  private final ConcurrentLinkedQueue<RecordDraft> drafts = new ConcurrentLinkedQueue<>();

  private QueueWriter(WriterOptions options) {
    this.options = options;
    eventIds = new EventIds(options.clock(), options.random());
    failures = new FailureCounters(options.paths().failures(), options.disk());
    publisher = new Publisher(options, failures);
  }

  /** Checks the directory, creates what is missing, and mends what a crash has left. */
  public static QueueWriter open(WriterOptions options) {
    QueueWriter writer = new QueueWriter(options);
    try {
      writer.publisher.open();
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
      return receipt(publisher.append(draft, List.of(eventId)), 0, eventId);
    } catch (OutboxError e) {
      failures.count(e);
      throw e;
    } catch (IOException e) {
      throw counted(e);
    } finally {
      if (draft.isToBeKept()) {
        drafts.offer(draft);
      }
    }
  }

  /**
   * Appends events, all or none, and nothing between them.
   *
   * @return where they stand, in their order
   * @throws OutboxError as for one event, and counted once; {@link OutboxError#maybeAppendedIds}
   *     are then those of all
   */
  public List<Receipt> appendAll(List<OutboxEvent> events) {
    if (events.isEmpty()) {
      return List.of();
    }
    try {
      List<UUID> ids = events.stream().map(this::idOf).toList();
      BatchDraft draft = new BatchDraft(options.limits(), events, ids);
      Published published = publisher.append(draft, ids);
      List<Receipt> receipts = new ArrayList<>(ids.size());
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

  private Receipt receipt(Published published, int number, UUID eventId) {
    return new Receipt(
        published.outbox(),
        published.generation(),
        published.sequence() + number,
        eventId,
        options.durability());
  }

  /**
   * Waits for the append that is under way, then closes; later appends are an {@link
   * IllegalStateException}.
   */
  @Override
  public void close() {
    try {
      publisher.close();
    } catch (IOException e) {
      throw DiskErrors.of(e, options.paths().root());
    }
  }
}
