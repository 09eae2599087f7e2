package dev.outboxrelay.relay.config;

/**
 * Bounds of what is sent and not yet settled. They also bound what is sent twice after a crash,
 * together with what is settled between two checkpoints.
 *
 * @param maxRecords records, at least 1
 * @param maxBytes bytes of encoded records, at least one record of the largest size
 */
public record WindowSettings(int maxRecords, long maxBytes) {
  /** The largest record that a dead-letter queue holds: a window must take one of them. */
  public static final long SMALLEST_MAX_BYTES = 2L << 20;

  public WindowSettings {
    if (maxRecords < 1) {
      throw new IllegalArgumentException("window of " + maxRecords + " records holds none");
    }
    if (maxBytes < SMALLEST_MAX_BYTES) {
      throw new IllegalArgumentException(
          "window of " + maxBytes + " bytes is below " + SMALLEST_MAX_BYTES);
    }
  }
}
