package dev.outboxrelay.relay.deliver;

import dev.outboxrelay.relay.fact.Trouble;
import dev.outboxrelay.relay.fact.Verdict;
import java.util.random.RandomGenerator;

/** When to try again, and how long it has been tried. For one thread. */
final class RetryPlan {
  private final Backoff backoff;
  private final RandomGenerator random;
  private final Clocks clocks;

  RetryPlan(Backoff backoff, RandomGenerator random, Clocks clocks) {
    this.backoff = backoff;
    this.random = random;
    this.clocks = clocks;
  }

  /**
   * What is wrong now.
   *
   * @param before the same incident, if it is known; or null
   */
  Trouble trouble(Trouble before, Verdict verdict) {
    return before == null ? new Trouble(verdict, clocks.millis(), 1) : before.again(verdict);
  }

  /** The same incident, of which something else fails now, for the first time. */
  Trouble first(Trouble before, Verdict verdict) {
    return new Trouble(verdict, before.sinceMillis(), 1);
  }

  /** When to try again what failed for the first time. */
  long firstNanos(long now) {
    return now + backoff.delayNanos(1, random);
  }

  /** When to try again after so many attempts. */
  long nextNanos(long now, Trouble trouble) {
    return now + backoff.delayNanos(trouble.attempts(), random);
  }
}
