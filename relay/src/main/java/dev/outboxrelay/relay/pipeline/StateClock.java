package dev.outboxrelay.relay.pipeline;

import dev.outboxrelay.relay.deliver.Clocks;
import dev.outboxrelay.relay.fact.Fact;
import dev.outboxrelay.relay.fact.FactListener;

/** Notes when delivery came into its present state. For one thread. */
final class StateClock implements FactListener {
  private final Clocks clocks;
  private long sinceMillis;

  StateClock(Clocks clocks) {
    this.clocks = clocks;
    this.sinceMillis = clocks.millis();
  }

  @Override
  public void tell(Fact fact) {
    if (fact instanceof Fact.StateChanged changed && !changed.from().equals(changed.to())) {
      sinceMillis = clocks.millis();
    }
  }

  /** Milliseconds since the epoch. */
  long sinceMillis() {
    return sinceMillis;
  }
}
