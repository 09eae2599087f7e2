package dev.outboxrelay.client;

/** The topic, a header or a text of the event can never be appended; the message names it. */
public final class InvalidEvent extends OutboxError {
  private static final long serialVersionUID = 1L;

  public InvalidEvent(String message) {
    super(message, null);
  }

  public InvalidEvent(String message, Throwable cause) {
    super(message, cause);
  }
}
