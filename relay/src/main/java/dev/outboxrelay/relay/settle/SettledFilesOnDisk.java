package dev.outboxrelay.relay.settle;

import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutcomesFile.Range;
import dev.outboxrelay.client.files.Position;
import dev.outboxrelay.client.files.PositionFile;
import dev.outboxrelay.client.writing.HeldDirectories;
import dev.outboxrelay.client.writing.WriterOptions;
import dev.outboxrelay.relay.cluster.ClusterFile;
import dev.outboxrelay.relay.fact.Trouble;
import dev.outboxrelay.relay.fact.TroublesFile;
import dev.outboxrelay.relay.quarantine.Quarantine;
import dev.outboxrelay.relay.sync.CycleSync;
import java.io.IOException;
import java.util.List;

/** The files of an outbox whose directories are held. For one thread. */
final class SettledFilesOnDisk implements SettledFiles {
  private final CycleSync cycles;
  private final Outcomes outcomes;
  private final PositionFile position;
  private final Quarantine quarantine;
  private final ClusterFile cluster;
  private final Housekeeping housekeeping;
  private final TroublesFile troubles;

  /**
   * Opens the position; all else as it is needed.
   *
   * @param outcomes of the outbox; closed by whoever has opened them
   * @param cycle of the saved position: what is before it was synced by then
   * @param options by which the writers' lock is taken
   */
  SettledFilesOnDisk(
      HeldDirectories held,
      OutboxIdentity outbox,
      Outcomes outcomes,
      long cycle,
      WriterOptions options)
      throws IOException {
    OutboxPaths paths = held.paths();
    Disk disk = options.disk();
    this.outcomes = outcomes;
    this.cycles = new CycleSync(paths, cycle, disk);
    this.position = PositionFile.open(paths.position(), disk);
    this.quarantine = new Quarantine(paths, outbox);
    this.cluster = new ClusterFile(paths.root());
    this.housekeeping = new Housekeeping(options, held, outbox.outbox());
    this.troubles = new TroublesFile(paths.troubles());
  }

  @Override
  public void syncCycles(long upTo) throws IOException {
    cycles.syncUpTo(upTo);
  }

  @Override
  public void appendOutcomes(List<Range> ranges) throws IOException {
    outcomes.append(ranges);
  }

  @Override
  public void savePosition(Position latest) throws IOException {
    position.save(latest);
  }

  @Override
  public boolean quarantine(long inCycle, long from, long to) throws IOException {
    return quarantine.keep(inCycle, from, to);
  }

  @Override
  public void saveCluster(String id) throws IOException {
    cluster.save(id);
  }

  @Override
  public void seal(long cycle) {
    housekeeping.seal(cycle);
  }

  @Override
  public void markFailed(long cycle) {
    housekeeping.markFailed(cycle);
  }

  @Override
  public Deleted deleteSettled(long below, long appendedBeforeMillis) throws IOException {
    return housekeeping.deleteSettled(below, appendedBeforeMillis);
  }

  @Override
  public void writeTroubles(List<Trouble> latest, long nowMillis) throws IOException {
    troubles.write(latest, nowMillis);
  }

  @Override
  public void close() throws IOException {
    try (cycles;
        position;
        housekeeping;
        troubles) {
      // Closed in this order.
    }
  }
}
