package dev.outboxrelay.relay.deliver;

import java.time.Duration;
import java.time.Instant;

/** Time that passes only when a test says so. */
public final class ManualClocks {
  private long nanos = 1;

  public Clocks clocks() {
    return new Clocks(() -> nanos, () -> Instant.ofEpochMilli(1_000_000 + nanos / 1_000_000));
  }

  public void advance(Duration by) {
    nanos += by.toNanos();
  }
}
