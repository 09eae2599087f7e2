package dev.outboxrelay.relay.kafka;

/** A cluster could not be asked, or said no. The message names the cluster and what it said. */
public final class KafkaRefused extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public KafkaRefused(String message, Throwable cause) {
    super(message, cause);
  }

  static String rootMessage(Throwable error) {
    Throwable root = error;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return root.getClass().getSimpleName() + ": " + root.getMessage();
  }
}
