package dev.outboxrelay.relay.pipeline;

import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutboxState;
import dev.outboxrelay.relay.deliver.Settled;
import dev.outboxrelay.relay.fact.Trouble;
import dev.outboxrelay.relay.settle.Origin;
import dev.outboxrelay.relay.settle.Outcomes;
import dev.outboxrelay.relay.settle.ParkedStore;
import java.io.Closeable;
import java.io.IOException;
import java.util.function.LongSupplier;

/** Of what a lane is one, and what all pipelines begin with, for a test that builds its own. */
public final class LaneUnderTest {
  private final LaneOf lane;

  /** As the pipeline tells its lanes. */
  public LaneUnderTest(
      String topic,
      OutboxPaths main,
      Outcomes outcomes,
      ParkedStore parked,
      LongSupplier saved,
      Trouble barredBefore,
      LongSupplier nanos) {
    lane = new LaneOf(topic, main, outcomes, parked, saved, barredBefore, nanos);
  }

  /** The outbox that its events came from. */
  public OutboxPaths main() {
    return lane.main();
  }

  /** How that is told what became of them. */
  public Origin origin() {
    return lane.origin();
  }

  /** Whether its topic has refused what came last. */
  public boolean wasRefused() {
    return lane.wasRefused();
  }

  /** Whether a parked event is not in the main queue any more. */
  public boolean isLost(long sequence, long original) {
    return lane.isLost(sequence, original);
  }

  /** Where a pipeline goes on. */
  public static Settled start(OutboxPaths paths, OutboxState state) throws IOException {
    return StartPoint.find(paths, state);
  }

  /** The lock of a lane; null while it runs. */
  public static Closeable tryLock(OutboxPaths lane) {
    return RelayLock.tryLane(lane);
  }
}
