package dev.outboxrelay.client;

/** The event exceeds the limit for one record; it can never be appended as it is. */
public final class EventTooLarge extends OutboxError {
  private static final long serialVersionUID = 1L;

  public EventTooLarge(String message) {
    super(message, null);
  }

  public EventTooLarge(String message, Throwable cause) {
    super(message, cause);
  }
}
