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
import java.util.function.LongSupplier;

/**
 * Saves positions in the one order that survives a power cut: first the events, in the queue and
 * where they were moved to, then what was not delivered, then the position. For one thread.
 */
final class PositionStore implements Closeable {
  private final CycleSync cycles;
  private final ParkedStore parked;
  private final Outcomes outcomes;
  private final Origin origin;
  private final LongSupplier heldByLetters;
  private final PositionFile position;
  private final Settler.Owner owner;
  private volatile long savedHeldBytes;

  /** Opens the files. */
  PositionStore(
      OutboxPaths paths, Settler.Owner owner, Settler.Places places, Settled start, Disk disk)
      throws IOException {
    this.owner = owner;
    this.parked = places.parked();
    this.outcomes = places.outcomes();
    this.origin = places.origin();
    this.heldByLetters = places.heldByLetters();
    this.cycles = new CycleSync(paths, start == null ? 0 : start.next().cycle(), disk);
    // An earlier run may have ended between the last save of a lane and its own.
    this.savedHeldBytes = PositionFile.find(paths.position()).map(Position::heldBytes).orElse(0L);
    this.position = PositionFile.open(paths.position(), disk);
  }

  /** Whether it may be told already what became of these events where they were parked from. */
  boolean mayTell(List<OutcomesFile.Range> sources) {
    if (origin == null) {
      return true;
    }
    long saved = origin.savedSequence();
    return !origin.holdsBack() && sources.stream().allMatch(range -> range.last() <= saved);
  }

  /**
   * Saves a position.
   *
   * @param undelivered what of the events up to it was not delivered
   * @param sources what became of the events that these were in the outbox from which they were
   *     parked
   */
  void save(
      Settled settled,
      List<OutcomesFile.Range> undelivered,
      List<OutcomesFile.Range> sources,
      long nowMillis)
      throws IOException {
    cycles.syncUpTo(settled.next().cycle());
    if (parked != null) {
      parked.sync();
    }
    if (origin != null) {
      origin.settled(sources);
    }
    outcomes.append(undelivered);
    long heldBytes = heldBytes();
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
            heldBytes));
    savedHeldBytes = heldBytes;
    if (origin != null) {
      origin.saved(settled.sequence());
    }
  }

  /** Whether the position on disk tells of other held bytes than there are. From any thread. */
  boolean isHeldOutdated() {
    return heldBytes() != savedHeldBytes;
  }

  private long heldBytes() {
    return heldByLetters.getAsLong() + (parked == null ? 0 : parked.held().bytes());
  }

  @Override
  public void close() throws IOException {
    try (cycles;
        position) {
      // Closed in this order.
    }
  }
}
