package dev.outboxrelay.relay.pipeline;

import dev.outboxrelay.relay.deliver.route.Lanes;
import dev.outboxrelay.relay.fact.Trouble;
import dev.outboxrelay.relay.settle.ParkedStore;
import java.util.function.BiFunction;
import java.util.function.LongSupplier;

/** Lanes of what a test has parked, and delivers as it likes. */
public final class LanesUnderTest {
  private final ParkedLanes lanes;

  /** As the pipeline has them. */
  public LanesUnderTest(
      ParkedStore parked, BiFunction<String, Trouble, Service> opener, LongSupplier nanos) {
    lanes =
        new ParkedLanes(parked, opener, true, new LaneSlots(ParkedLanes.MOST_OPEN, nanos), nanos);
  }

  /** What routes ask. */
  public Lanes lanes() {
    return lanes;
  }

  /** None delivers from now on. */
  public void stop() {
    lanes.stop();
  }

  /** Whether all have come to their end. */
  public boolean haveEnded() {
    return lanes.haveEnded();
  }
}
