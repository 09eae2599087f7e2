package dev.outboxrelay.client;

/**
 * What is on disk cannot be continued: a file is not what was just written to it. Nothing was
 * appended.
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
