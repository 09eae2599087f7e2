package dev.outboxrelay.client.record;

import dev.outboxrelay.client.OutboxUnavailable;

/**
 * Stands as the cause of an {@link OutboxUnavailable} that tells of what another version of ours
 * wrote and this one does not read: it is left alone (FORMAT I11).
 */
public final class OtherFormatFound extends Exception {
  private static final long serialVersionUID = 1L;

  private OtherFormatFound(String label) {
    super(label);
  }

  /**
   * The error to throw.
   *
   * @param former whether it is of before the first release; else it is of a later version
   * @param message what, where, and the way out
   */
  public static OutboxUnavailable refusal(boolean former, String message) {
    String label = former ? "former-format" : "later-version";
    return new OutboxUnavailable(message, new OtherFormatFound(label));
  }

  /**
   * The name that FORMAT.md gives to what an error tells of; null if it tells of something else.
   */
  public static String labelOf(Throwable error) {
    return error.getCause() instanceof OtherFormatFound found ? found.getMessage() : null;
  }
}
