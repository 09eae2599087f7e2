package dev.outboxrelay.relay.settle;

import dev.outboxrelay.client.files.OutcomesFile.Range;
import dev.outboxrelay.client.files.Position;
import dev.outboxrelay.relay.deliver.Clocks;
import dev.outboxrelay.relay.deliver.Settled;
import dev.outboxrelay.relay.fact.Trouble;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.UUID;

/** Files in memory, for a settler whose turns a test takes. */
public abstract class SimulatedFiles implements SettledFiles {
  @Override
  public abstract void syncCycles(long upTo) throws IOException;

  @Override
  public abstract void appendOutcomes(List<Range> ranges) throws IOException;

  @Override
  public abstract void savePosition(Position position) throws IOException;

  @Override
  public abstract boolean quarantine(long cycle, long from, long to) throws IOException;

  @Override
  public abstract void saveCluster(String id) throws IOException;

  @Override
  public abstract void markFailed(long cycle);

  @Override
  public void seal(long cycle) {}

  @Override
  public Deleted deleteSettled(long below, long appendedBeforeMillis) {
    return new Deleted(-1, 0, 0);
  }

  @Override
  public void writeTroubles(List<Trouble> troubles, long nowMillis) {}

  @Override
  public void close() {}

  /** A settler on these files. */
  public final Settler settler(
      UUID outbox,
      ParkedStore parked,
      DeadLetterStore deadLetters,
      Origin origin,
      Duration interval,
      Clocks clocks,
      long heldBytes,
      Settled start) {
    return new Settler(
        new Settler.Owner(outbox, 1),
        this,
        parked,
        deadLetters,
        origin,
        () -> 0,
        new Settler.Pace(interval, Duration.ZERO),
        clocks,
        heldBytes,
        start);
  }
}
