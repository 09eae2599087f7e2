package dev.outboxrelay.relay.deliver;

import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * How long to wait before an attempt: doubles from {@code min} to {@code max}, and half of it is
 * random, so that relays that failed together do not come back together.
 *
 * @param min the longest first wait, above zero
 * @param max the longest wait of all
 */
public record Backoff(Duration min, Duration max) {
  private static final int MOST_DOUBLINGS = 40;

  public Backoff {
    if (min.isZero() || min.isNegative() || max.compareTo(min) < 0) {
      throw new IllegalArgumentException("backoff from " + min + " to " + max + " is not a range");
    }
  }

  /**
   * The wait before an attempt, in nanoseconds.
   *
   * @param attempt 1 for the first retry; less counts as 1
   * @param random source of the jitter
   * @return from half of the ceiling up to the ceiling
   */
  public long delayNanos(int attempt, RandomGenerator random) {
    int doublings = Math.min(Math.max(attempt, 1) - 1, MOST_DOUBLINGS);
    double grown = Math.scalb((double) min.toNanos(), doublings);
    long ceiling = (long) Math.min(grown, (double) max.toNanos());
    long half = ceiling / 2;
    return half + random.nextLong(ceiling - half + 1);
  }
}
