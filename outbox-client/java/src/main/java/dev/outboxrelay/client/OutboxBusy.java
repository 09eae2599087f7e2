package dev.outboxrelay.client;

/**
 * The writers' lock was not to be had before the deadline: another process holds it, perhaps
 * stopped. Nothing was appended; retry.
 */
public final class OutboxBusy extends OutboxError {
  private static final long serialVersionUID = 1L;

  public OutboxBusy(String message) {
    super(message, null);
  }

  public OutboxBusy(String message, Throwable cause) {
    super(message, cause);
  }
}
