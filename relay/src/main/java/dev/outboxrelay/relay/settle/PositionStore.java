package dev.outboxrelay.relay.settle;

import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.files.DeliveryMode;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutcomesFile;
import dev.outboxrelay.client.files.Position;
import dev.outboxrelay.client.files.PositionFile;
import dev.outboxrelay.relay.deliver.Settled;
import dev.outboxrelay.relay.sync.CycleSync;
import java.io.Closeable;
import java.io.IOException;
import java.util.List;

/**
 * Saves positions in the one order that survives a power cut: first the events, then what was not
 * delivered, then the position. For one thread.
 */
final class PositionStore implements Closeable {
  private final CycleSync cycles;
  private final OutcomesFile outcomes;
  private final PositionFile position;
  private final Settler.Owner owner;

  /** Opens the files. What the outcomes tell of sequences behind the start is of another life. */
  PositionStore(OutboxPaths paths, Settler.Owner owner, Settled start, Disk disk)
      throws IOException {
    this.owner = owner;
    this.cycles = new CycleSync(paths, start == null ? 0 : start.next().cycle(), disk);
    this.outcomes = OutcomesFile.open(paths.outcomes(), disk);
    try {
      outcomes.forgetBehind(start == null ? 0 : start.sequence());
      this.position = PositionFile.open(paths.position(), disk);
    } catch (IOException | RuntimeException e) {
      outcomes.close();
      throw e;
    }
  }

  void save(Settled settled, List<OutcomesFile.Range> undelivered, long nowMillis)
      throws IOException {
    cycles.syncUpTo(settled.next().cycle());
    outcomes.append(undelivered);
    position.save(
        new Position(
            owner.generation(),
            DeliveryMode.AT_LEAST_ONCE,
            settled.sequence(),
            settled.eventId(),
            settled.next().cycle(),
            settled.next().offset(),
            settled.next().cycle() << 32 | (settled.next().entry() - 1),
            settled.settledBytes(),
            nowMillis,
            owner.outboxId(),
            0));
  }

  @Override
  public void close() throws IOException {
    try (cycles;
        outcomes;
        position) {
      // Closed in this order.
    }
  }
}
