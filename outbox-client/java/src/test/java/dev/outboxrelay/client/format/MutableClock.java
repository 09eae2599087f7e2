package dev.outboxrelay.client.format;

import java.time.Instant;
import java.time.InstantSource;

/** A clock that stands still until a test moves it. */
final class MutableClock implements InstantSource {
  private volatile long millis;

  MutableClock(long millis) {
    this.millis = millis;
  }

  void set(long changed) {
    millis = changed;
  }

  @Override
  public Instant instant() {
    return Instant.ofEpochMilli(millis);
  }

  @Override
  public long millis() {
    return millis;
  }
}
