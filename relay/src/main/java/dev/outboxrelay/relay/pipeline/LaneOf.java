package dev.outboxrelay.relay.pipeline;

import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutcomesFile.Range;
import dev.outboxrelay.relay.settle.Origin;
import dev.outboxrelay.relay.settle.Outcomes;
import dev.outboxrelay.relay.settle.ParkedStore;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * Of which outbox, and of which of its topics, a pipeline is a lane.
 *
 * @param topic whose parked events it delivers
 * @param main the outbox from which they were parked, as it is held
 * @param outcomes of that outbox
 * @param parked what is parked of it
 * @param nanos the monotonic clock
 */
record LaneOf(
    String topic, OutboxPaths main, Outcomes outcomes, ParkedStore parked, LongSupplier nanos) {

  /** How it is told what became of its events. */
  Origin origin() {
    return new ToldOrigin(this);
  }

  /** Looks once a second how much is left, as that reads files, and when nothing is. */
  private static final class ToldOrigin implements Origin {
    private static final long INTERVAL_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final LaneOf lane;
    private long nextNanos;

    private ToldOrigin(LaneOf lane) {
      this.lane = lane;
      this.nextNanos = lane.nanos.getAsLong();
    }

    @Override
    public void settled(List<Range> events) throws IOException {
      lane.outcomes.ofLane(events);
    }

    @Override
    public void saved(long sequence) {
      long now = lane.nanos.getAsLong();
      boolean isLast = sequence >= lane.parked.topic(lane.topic).appendedSequence();
      if (isLast || now - nextNanos >= 0) {
        nextNanos = now + INTERVAL_NANOS;
        lane.parked.settled(lane.topic);
      }
    }
  }
}
