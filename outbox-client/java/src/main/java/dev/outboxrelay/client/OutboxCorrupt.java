package dev.outboxrelay.client;

/**
 * A file of the outbox is not what it must be, and rewriting it could lose events. Nothing was
 * appended; the message names the file.
 */
public final class OutboxCorrupt extends OutboxError {
  private static final long serialVersionUID = 1L;

  public OutboxCorrupt(String message) {
    super(message, null);
  }

  public OutboxCorrupt(String message, Throwable cause) {
    super(message, cause);
  }
}
