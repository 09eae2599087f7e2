package dev.outboxrelay.relay.deliver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class BackoffTest {
  private static final Duration MIN = Duration.ofMillis(100);
  private static final Duration MAX = Duration.ofSeconds(10);
  private final Backoff backoff = new Backoff(MIN, MAX);

  @Test
  void theWaitDoublesUpToItsMaximumAndHalfOfItIsRandom() {
    SplittableRandom random = new SplittableRandom(1);
    for (int attempt = 1; attempt < 100; attempt++) {
      long ceiling = (long) Math.min(100e6 * Math.pow(2, attempt - 1.0), 10e9);
      for (int i = 0; i < 100; i++) {
        assertThat(backoff.delayNanos(attempt, random)).isBetween(ceiling / 2, ceiling);
      }
    }
  }

  @Test
  void anyNumberOfAttemptsHasAWait() {
    SplittableRandom random = new SplittableRandom(1);
    assertThat(backoff.delayNanos(Integer.MAX_VALUE, random)).isPositive();
    assertThat(backoff.delayNanos(0, random)).isBetween(MIN.toNanos() / 2, MIN.toNanos());
    assertThat(backoff.delayNanos(-1, random)).isPositive();
  }

  @Test
  void whatIsNoRangeIsRefused() {
    assertThatThrownBy(() -> new Backoff(Duration.ZERO, MAX))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new Backoff(MAX, MIN)).isInstanceOf(IllegalArgumentException.class);
  }
}
