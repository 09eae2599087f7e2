package dev.outboxrelay.client;

import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * The root of everything that an outbox reports as an error. Each message says what happened, which
 * value was at fault and the way out.
 *
 * <pre>
 * OutboxError
 *  ├── EventTooLarge      the event can never fit: make it smaller
 *  ├── InvalidEvent       topic, header name or text that can never be appended: correct it
 *  ├── OutboxFull         the disk, a quota or the cap: make room, the relay still drains
 *  ├── OutboxBusy         the writers' lock was not to be had before the deadline: retry
 *  ├── OutboxCorrupt      what is on disk cannot be continued
 *  └── OutboxUnavailable  not configured, refused, or an error of the system
 * </pre>
 *
 * <p>Unless {@link #maybeAppended()} says otherwise, the event was <b>not</b> appended and a retry
 * cannot double it.
 */
public class OutboxError extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final UUID[] maybeAppended;

  /** An error after which the event is certainly not in the outbox. */
  public OutboxError(String message, Throwable cause) {
    this(message, cause, List.of());
  }

  OutboxError(String message, Throwable cause, List<UUID> maybeAppended) {
    super(message, cause);
    this.maybeAppended = maybeAppended.toArray(new UUID[0]);
  }

  /**
   * The id of an event that may have been appended although this error was thrown: in {@code power}
   * durability the record was published, but its fsync failed; or a page of a file could not be
   * had, of which the JVM may tell late. Of a batch it is the first one's, and stands for all of
   * them. Retry with the same event id, so that consumers can tell the two apart. Empty when the
   * event is certainly not in the outbox.
   */
  public Optional<UUID> maybeAppended() {
    return maybeAppendedIds().stream().findFirst();
  }

  /**
   * The ids of all events that may have been appended, in their order: for a batch also those that
   * the client has made. Empty if {@link #maybeAppended()} is.
   */
  public List<UUID> maybeAppendedIds() {
    return List.of(maybeAppended);
  }
}
