package dev.outboxrelay.relay.deliver;

import java.time.InstantSource;
import java.util.function.LongSupplier;

/**
 * Both times that delivery needs.
 *
 * @param monotonic nanoseconds that only grow, like {@link System#nanoTime}; for waits
 * @param wall the time of day; for latencies and what people read
 */
public record Clocks(LongSupplier monotonic, InstantSource wall) {
  public static final Clocks SYSTEM = new Clocks(System::nanoTime, InstantSource.system());

  public long nanos() {
    return monotonic.getAsLong();
  }

  public long millis() {
    return wall.millis();
  }
}
