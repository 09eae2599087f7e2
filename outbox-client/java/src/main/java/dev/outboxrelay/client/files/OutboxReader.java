package dev.outboxrelay.client.files;

import dev.outboxrelay.client.DeliveryOutcome;
import dev.outboxrelay.client.OutboxStatus;
import dev.outboxrelay.client.OutboxUnavailable;
import dev.outboxrelay.client.Receipt;
import dev.outboxrelay.client.cycle.CycleScanner;
import dev.outboxrelay.client.disk.DiskErrors;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;

/**
 * Looks at an outbox from outside, without a lock and without changing anything. Safe for many
 * threads.
 */
public final class OutboxReader {
  private static final long SHORTEST_PAUSE_MILLIS = 1;
  private static final long LONGEST_PAUSE_MILLIS = 50;

  private final OutboxPaths paths;

  public OutboxReader(OutboxPaths paths) {
    this.paths = paths;
  }

  /** What has become of an event by now. */
  public DeliveryOutcome outcome(Receipt receipt) throws IOException {
    Optional<Position> position = PositionFile.find(paths.position());
    if (position.isEmpty()
        || !position.get().outboxId().equals(receipt.outbox())
        || position.get().sequence() < receipt.sequence()) {
      return DeliveryOutcome.PENDING;
    }
    return OutcomesFile.outcomeOf(receipt.sequence(), paths.outcomes());
  }

  /** Polls until an event is settled or the time is over. */
  public DeliveryOutcome waitDelivered(Receipt receipt, Duration timeout)
      throws InterruptedException {
    long deadline = System.nanoTime() + timeout.toNanos();
    long pause = SHORTEST_PAUSE_MILLIS;
    try {
      checkOutbox(receipt);
      while (true) {
        DeliveryOutcome outcome = outcome(receipt);
        long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
        if (outcome != DeliveryOutcome.PENDING || left <= 0) {
          return outcome;
        }
        Thread.sleep(Math.min(pause, left));
        pause = Math.min(2 * pause, LONGEST_PAUSE_MILLIS);
      }
    } catch (IOException e) {
      throw DiskErrors.of(e, paths.root());
    }
  }

  private void checkOutbox(Receipt receipt) throws IOException {
    Optional<OutboxState> state = StateFile.read(paths.state());
    if (state.isPresent() && !state.get().outboxId().equals(receipt.outbox())) {
      throw new IllegalArgumentException(
          "the receipt is of outbox "
              + receipt.outbox()
              + ", but "
              + paths.root()
              + " is outbox "
              + state.get().outboxId());
    }
  }

  /** Counts what waits for delivery. */
  public OutboxStatus status() {
    try {
      OutboxState state =
          StateFile.read(paths.state())
              .filter(found -> found.nextSequence() != 0)
              .orElseThrow(
                  () ->
                      new OutboxUnavailable(
                          paths.state() + " is missing or damaged: the next append mends it"));
      Optional<Position> position =
          PositionFile.find(paths.position())
              .filter(saved -> saved.outboxId().equals(state.outboxId()));
      long settled = position.map(Position::sequence).orElse(0L);
      long settledBytes = position.map(Position::settledBytes).orElse(0L);
      List<Long> cycles = paths.cycles();
      return new OutboxStatus(
          paths.root(),
          state.outboxId(),
          state.generation(),
          state.nextSequence(),
          settled,
          Math.max(0, state.nextSequence() - 1 - settled),
          Math.max(0, appendedBytes(state) - settledBytes),
          cycles,
          cycles.isEmpty() ? OptionalLong.empty() : OptionalLong.of(cycles.get(cycles.size() - 1)),
          position.map(saved -> saved.mode().toString()).orElse(""));
    } catch (IOException e) {
      throw DiskErrors.of(e, paths.root());
    }
  }

  private long appendedBytes(OutboxState state) throws IOException {
    if (state.newest().isEmpty()) {
      return 0;
    }
    OutboxState.NewestCycle newest = state.newest().get();
    try {
      Path file = paths.cycle(newest.cycle());
      CycleFacts facts = CycleFacts.read(file, state.outboxId());
      long bytes = facts.dataBytes();
      return newest.base() + (facts.broken() ? Math.max(bytes, noted(file, state)) : bytes);
    } catch (NoSuchFileException e) {
      return newest.base();
    }
  }

  /** Where the chain tells nothing: up to the last entry that writers have noted. */
  private static long noted(Path file, OutboxState state) throws IOException {
    try (CycleScanner scanner = CycleScanner.open(file, state.outboxId())) {
      long last = scanner.writePosition();
      return last < scanner.size() ? last - scanner.start() : 0;
    }
  }
}
