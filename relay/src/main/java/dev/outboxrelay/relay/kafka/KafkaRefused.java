package dev.outboxrelay.relay.kafka;

import dev.outboxrelay.relay.secret.SecretWords;

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
    return SecretWords.OF_THIS_PROCESS.scrub(
        root.getClass().getSimpleName() + ": " + root.getMessage());
  }
}
