package dev.outboxrelay.relay.config;

import java.time.Duration;

/**
 * Bounds of the relay's own waits before a retry; they grow from one to the other.
 *
 * @param min the first wait, above zero
 * @param max the longest wait, at least {@code min}
 */
public record BackoffSettings(Duration min, Duration max) {
  public BackoffSettings {
    if (min.isZero() || min.isNegative() || max.compareTo(min) < 0) {
      throw new IllegalArgumentException("backoff from " + min + " to " + max + " is not a range");
    }
  }
}
