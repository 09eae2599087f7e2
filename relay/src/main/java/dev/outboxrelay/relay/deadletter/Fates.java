package dev.outboxrelay.relay.deadletter;

import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutcomesFile;
import dev.outboxrelay.client.files.Position;
import dev.outboxrelay.client.files.PositionFile;
import java.io.IOException;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;

/**
 * What was done of the dead letters, by their numbers. What stands in the files counts if there is
 * a position of the same outbox beside it: else it is of one that was there before.
 */
public final class Fates {
  private record Run(long last, Fate fate) {}

  private final NavigableMap<Long, Run> runs = new TreeMap<>();
  private final Position position; // null if there is none

  private Fates(Position position) {
    this.position = position;
  }

  /**
   * Reads them.
   *
   * @param letters the outbox {@code dead-letters/}, which need not exist
   */
  public static Fates read(OutboxPaths letters) throws IOException {
    UUID outbox = OutboxIdentity.outboxOf(letters);
    Fates fates =
        new Fates(
            PositionFile.find(letters.position())
                .filter(found -> found.outboxId().equals(outbox))
                .orElse(null));
    if (fates.position != null) {
      for (OutcomesFile.Range range : OutcomesFile.read(letters.outcomes())) {
        fates.add(range.first(), range.last(), Fate.of(range.outcome()));
      }
    }
    return fates;
  }

  /** None is covered twice, as what is done is never done again. */
  void add(long first, long last, Fate fate) {
    Map.Entry<Long, Run> before = runs.floorEntry(first);
    if (before != null
        && before.getValue().last() + 1 == first
        && before.getValue().fate() == fate) {
      runs.put(before.getKey(), new Run(last, fate));
    } else {
      runs.put(first, new Run(last, fate));
    }
  }

  /** What was done of one; empty if it is still there. */
  public Optional<Fate> of(long number) {
    Map.Entry<Long, Run> run = runs.floorEntry(number);
    if (run != null && number <= run.getValue().last()) {
      return Optional.of(run.getValue().fate());
    }
    return position != null && number <= position.sequence()
        ? Optional.of(Fate.DISCARDED)
        : Optional.empty();
  }

  /** How many have one whose numbers are higher. */
  long doneBehind(long number) {
    long done = 0;
    for (Map.Entry<Long, Run> run : runs.entrySet()) {
      done += Math.max(0, run.getValue().last() - Math.max(number, run.getKey() - 1));
    }
    return done;
  }

  /** Of all up to here something was done; null if there is no position. */
  public Position position() {
    return position;
  }
}
