package dev.outboxrelay.client;

import java.util.List;
import java.util.UUID;

/**
 * The disk, a quota, a file size limit or the outbox's own cap leaves no room. Nothing was
 * appended, unless {@link #maybeAppended()} says otherwise (the disk had no page for what was
 * mapped: blocks that a copy shares); reading and delivery go on, so a later retry can succeed.
 */
public final class OutboxFull extends OutboxError {
  private static final long serialVersionUID = 1L;

  public OutboxFull(String message) {
    super(message, null);
  }

  public OutboxFull(String message, Throwable cause) {
    super(message, cause);
  }

  /** The records may be published; retry with the same event ids. */
  public OutboxFull(String message, Throwable cause, List<UUID> maybeAppended) {
    super(message, cause, maybeAppended);
  }
}
