package dev.outboxrelay.client;

/**
 * The disk, a quota, a file size limit or the outbox's own cap leaves no room. Nothing was
 * appended; reading and delivery go on, so a later retry can succeed.
 */
public final class OutboxFull extends OutboxError {
  private static final long serialVersionUID = 1L;

  public OutboxFull(String message) {
    super(message, null);
  }

  public OutboxFull(String message, Throwable cause) {
    super(message, cause);
  }
}
