package dev.outboxrelay.client;

import dev.outboxrelay.client.files.OutboxReader;
import dev.outboxrelay.client.writing.QueueWriter;
import dev.outboxrelay.client.writing.WriterOptions;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * A durable local outbox: {@link #append} returns once the event is safe on this machine, in
 * microseconds and without network; the relay delivers it to Kafka, whenever that is up.
 *
 * <pre>{@code
 * try (Outbox outbox = Outbox.open(Path.of("/var/lib/outbox"))) {
 *   Receipt receipt = outbox.append(OutboxEvent.of("orders", "{\"id\": 1}"));
 * }
 * }</pre>
 *
 * <p>Keep one instance per outbox and process; it is safe for many threads, and any number of
 * processes may append to the same outbox. An interrupt does not end an append: the thread's flag
 * is set again when it returns.
 */
public final class Outbox implements AutoCloseable {
  private final QueueWriter writer;
  private final OutboxReader reader;
  private final Path path;

  Outbox(WriterOptions options) {
    path = options.paths().root();
    reader = new OutboxReader(options.paths());
    writer = QueueWriter.open(options);
  }

  /**
   * Opens the outbox of a directory, which is created if its parent exists. What is not set
   * otherwise comes from the environment, see {@link OutboxBuilder}.
   *
   * @param path absolute
   * @throws OutboxUnavailable if the directory may not be used; the message says why, and what to
   *     do
   */
  public static Outbox open(Path path) {
    return builder().path(path).open();
  }

  /** Opens the outbox that {@code OUTBOX_DIR} names; {@link OutboxUnavailable} if it is not set. */
  public static Outbox open() {
    return builder().open();
  }

  /** Opens an outbox with settings of your own. */
  public static OutboxBuilder builder() {
    return new OutboxBuilder(System.getenv());
  }

  /** The directory of the outbox. */
  public Path path() {
    return path;
  }

  /**
   * Appends an event. When this returns, the event survives what the outbox's {@link Durability}
   * says.
   *
   * @throws EventTooLarge if it can never fit
   * @throws InvalidEvent if topic, header names or number of headers are not allowed
   * @throws OutboxFull if disk, quota or cap leave no room; with {@link OutboxError#maybeAppended}
   *     if the disk had none for a page that was mapped
   * @throws OutboxBusy if the writers' lock was not to be had in time
   * @throws OutboxUnavailable if the directory or the disk fails; after a failed fsync, and when a
   *     file was cut or the lock was lost meanwhile, with {@link OutboxError#maybeAppended}
   * @throws IllegalStateException if this outbox is closed
   */
  public Receipt append(OutboxEvent event) {
    return writer.append(Objects.requireNonNull(event, "event"));
  }

  /**
   * Appends events, all of them or none, with nothing between them: readers see the whole or
   * nothing, after any crash too. Costs one lock, one write and, in {@code power} durability, one
   * sync. A refusal counts as one in {@code append.failures}, as one append was refused.
   *
   * @param events at most 10,000, and 8 MiB of records; the list is read once. An id that is given
   *     twice is no error: two events have it then
   * @return where they stand, in their order; empty for an empty list, for which nothing is touched
   * @throws NullPointerException if one is null; it names its index
   * @throws EventTooLarge if one of them, or all together, can never fit; names which one
   * @throws InvalidEvent if topic, header names or number of headers of one are not allowed; names
   *     which one
   * @throws OutboxFull as for {@link #append}
   * @throws OutboxBusy as for {@link #append}
   * @throws OutboxUnavailable as for {@link #append}. {@link OutboxError#maybeAppendedIds} has then
   *     the ids of all, given or made: retry the same list, with the same event ids
   * @throws IllegalStateException if this outbox is closed
   */
  public List<Receipt> appendAll(List<OutboxEvent> events) {
    List<OutboxEvent> own = new ArrayList<>(events); // whatever becomes of the caller's
    for (int i = 0; i < own.size(); i++) {
      if (own.get(i) == null) {
        throw new NullPointerException("events[" + i + "] of " + own.size() + " is null");
      }
    }
    return writer.appendAll(own);
  }

  /**
   * Waits until the relay has settled an event, by polling a small file. That is any answer but
   * {@link DeliveryOutcome#PENDING}; of these, {@link DeliveryOutcome#PARKED} and {@link
   * DeliveryOutcome#DEAD} may change later: ask again, if it matters.
   *
   * @param receipt of an append to this outbox, by any process
   * @param timeout zero for a look without waiting
   * @return what became of it; {@link DeliveryOutcome#PENDING} if the time is over
   * @throws IllegalArgumentException if the receipt is of another outbox
   */
  public DeliveryOutcome waitDelivered(Receipt receipt, Duration timeout)
      throws InterruptedException {
    return reader.waitDelivered(receipt, timeout);
  }

  /** How much waits for delivery, and more. Takes no lock. */
  public OutboxStatus status() {
    return reader.status();
  }

  /** Waits for an append under way in another thread, then closes. Closing again does nothing. */
  @Override
  public void close() {
    writer.close();
  }
}
