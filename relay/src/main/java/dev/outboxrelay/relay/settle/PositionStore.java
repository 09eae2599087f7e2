package dev.outboxrelay.relay.settle;

import dev.outboxrelay.client.files.DeliveryMode;
import dev.outboxrelay.client.files.OutcomesFile;
import dev.outboxrelay.client.files.Position;
import dev.outboxrelay.relay.deliver.Settled;
import java.io.IOException;
import java.util.List;
import java.util.function.LongSupplier;

/**
 * Saves positions in the one order that survives a power cut: first the events, in the queue and
 * where they were moved to, then what was not delivered, then the position. For one thread.
 */
final class PositionStore {
  private final SettledFiles files;
  private final ParkedStore parked;
  private final Origin origin;
  private final LongSupplier heldByLetters;
  private final Settler.Owner owner;
  private volatile long savedHeldBytes;

  /**
   * Saves nothing yet.
   *
   * @param heldByLetters what dead letters hold that counts towards this outbox's cap
   * @param heldBytes which the position on disk tells; 0 if there is none
   */
  PositionStore(
      SettledFiles files,
      Settler.Owner owner,
      ParkedStore parked,
      Origin origin,
      LongSupplier heldByLetters,
      long heldBytes) {
    this.files = files;
    this.owner = owner;
    this.parked = parked;
    this.origin = origin;
    this.heldByLetters = heldByLetters;
    // An earlier run may have ended between the last save of a lane and its own.
    this.savedHeldBytes = heldBytes;
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
    files.syncCycles(settled.next().cycle());
    if (parked != null) {
      parked.sync();
    }
    if (origin != null) {
      origin.settled(sources);
    }
    files.appendOutcomes(undelivered);
    long heldBytes = heldBytes();
    files.savePosition(
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

  /**
   * No position can be saved before something stands behind a failed cycle.
   *
   * @return whether that was seen to
   */
  boolean heldUp(long sequence) throws IOException {
    return origin != null && !origin.holdsBack() && origin.heldUp(sequence);
  }

  /** Whether the position on disk tells of other held bytes than there are. From any thread. */
  boolean isHeldOutdated() {
    return heldBytes() != savedHeldBytes;
  }

  private long heldBytes() {
    return heldByLetters.getAsLong() + (parked == null ? 0 : parked.held().bytes());
  }
}
