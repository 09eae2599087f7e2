package dev.outboxrelay.client;

import java.util.List;
import java.util.UUID;

/**
 * The outbox cannot be used as it is: no directory is configured, the path is refused, rights are
 * missing or the disk reports an error. In {@code power} durability a failed fsync is reported as
 * this error with {@link #maybeAppended()}, and so is always a file that was cut during an append,
 * and a writers' lock that was lost, as something else in the JVM closed its file.
 */
public final class OutboxUnavailable extends OutboxError {
  private static final long serialVersionUID = 1L;

  public OutboxUnavailable(String message) {
    super(message, null);
  }

  public OutboxUnavailable(String message, Throwable cause) {
    super(message, cause);
  }

  /** The records may be published or not be on stable storage; retry with the same event ids. */
  public OutboxUnavailable(String message, Throwable cause, List<UUID> maybeAppended) {
    super(message, cause, maybeAppended);
  }
}
