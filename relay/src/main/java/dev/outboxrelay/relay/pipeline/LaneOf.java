package dev.outboxrelay.relay.pipeline;

import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutcomesFile.Range;
import dev.outboxrelay.relay.fact.PauseReason;
import dev.outboxrelay.relay.fact.Trouble;
import dev.outboxrelay.relay.fact.Verdict;
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
 * @param saved the sequence that its saved position covers
 * @param barredBefore what barred the topic until now; null if that is not known
 * @param nanos the monotonic clock
 */
record LaneOf(
    String topic,
    OutboxPaths main,
    Outcomes outcomes,
    ParkedStore parked,
    LongSupplier saved,
    Trouble barredBefore,
    LongSupplier nanos) {

  /** Whether its topic has refused what came last, and not this event or that. */
  boolean wasRefused() {
    return barredBefore != null
        && barredBefore.cause() instanceof Verdict.PauseTopic pause
        && pause.reason() == PauseReason.REFUSED;
  }

  /** Whether a parked event is not in the main queue any more. */
  boolean isLost(long sequence, long original) {
    return parked.isLost(topic, sequence, original);
  }

  /** How it is told what became of its events. */
  Origin origin() {
    return new ToldOrigin(this);
  }

  /** Looks at most once a second how much is left, until nothing is: that reads files. */
  private static final class ToldOrigin implements Origin {
    private static final long INTERVAL_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final LaneOf lane;
    private long nextNanos;

    private ToldOrigin(LaneOf lane) {
      this.lane = lane;
      this.nextNanos = lane.nanos.getAsLong();
    }

    @Override
    public long savedSequence() {
      return lane.saved.getAsLong();
    }

    @Override
    public boolean holdsBack() {
      return lane.parked.holdsLane(lane.topic);
    }

    @Override
    public void settled(List<Range> events) throws IOException {
      lane.outcomes.append(events);
    }

    @Override
    public boolean heldUp(long sequence) throws IOException {
      boolean isLast = sequence >= lane.parked.topic(lane.topic).appendedSequence();
      return isLast && lane.parked.repeatLast(lane.topic);
    }

    @Override
    public void saved(long sequence) {
      long now = lane.nanos.getAsLong();
      // Nobody asks after the last one.
      boolean isLast = sequence >= lane.parked.topic(lane.topic).appendedSequence();
      if (isLast || now - nextNanos >= 0) {
        nextNanos = now + INTERVAL_NANOS;
        lane.parked.settled(lane.topic);
      }
    }
  }
}
