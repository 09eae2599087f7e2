package dev.outboxrelay.relay.pipeline;

import dev.outboxrelay.relay.deliver.Clocks;
import dev.outboxrelay.relay.deliver.DeliveryState;

/** Notes when delivery came into its present state. For one thread. */
final class StateClock implements PipelineListener {
  private final Clocks clocks;
  private long sinceMillis;

  StateClock(Clocks clocks) {
    this.clocks = clocks;
    this.sinceMillis = clocks.millis();
  }

  @Override
  public void stateChanged(DeliveryState from, DeliveryState to) {
    if (!from.label().equals(to.label())) {
      sinceMillis = clocks.millis();
    }
  }

  /** Milliseconds since the epoch. */
  long sinceMillis() {
    return sinceMillis;
  }
}
