package dev.outboxrelay.relay.deadletter;

import dev.outboxrelay.client.disk.OwnDescriptors;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutcomesFile.Range;
import dev.outboxrelay.client.files.OutcomesFollower;
import dev.outboxrelay.client.files.Position;
import dev.outboxrelay.client.files.PositionFile;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * What was done of the dead letters, by their numbers. What stands in the files does not count if
 * there is no position beside it, or one of another outbox: then it is of letters that were there
 * before. For one thread.
 */
public final class Fates {
  /** In memory: some 100 bytes each. Letters that are still there lie between them. */
  static final int MOST_RUNS = 200_000;

  private final OutboxPaths letters;
  private final OutcomesFollower told;
  private final FateRuns runs = new FateRuns();
  private UUID outbox; // whose they are; null if it was not looked yet
  private Position position; // null if there is none

  private Fates(OutboxPaths letters) {
    this.letters = letters;
    this.told = new OutcomesFollower(letters.outcomes());
  }

  /**
   * Reads them.
   *
   * @param letters the outbox {@code dead-letters/}, which need not exist
   */
  public static Fates read(OutboxPaths letters) throws IOException {
    Fates fates = new Fates(letters);
    fates.readOn();
    return fates;
  }

  /** Reads what was written since. */
  void readOn() throws IOException {
    UUID now = OutboxIdentity.outboxOf(letters);
    if (!now.equals(outbox)) {
      told.forget();
    }
    outbox = now;
    PositionFile.Reading reading = PositionFile.read(letters.position());
    position =
        reading instanceof PositionFile.Reading.Saved saved
                && saved.position().outboxId().equals(now)
            ? saved.position()
            : null;
    if (position != null || reading.isDamaged()) {
      told.read(new Told()); // which tells all of it, whatever the position is
    } else {
      told.forget();
      runs.clear();
    }
  }

  private final class Told implements OutcomesFollower.Visitor {
    @Override
    public void beginsAnew() {
      runs.clear();
    }

    @Override
    public void range(Range range) throws IOException {
      add(range.first(), range.last(), Fate.of(range.outcome()));
      if (runs.size() > MOST_RUNS) {
        runs.joinAll();
      }
      if (runs.size() > MOST_RUNS) {
        throw new IOException(
            OwnDescriptors.nameOf(letters.outcomes())
                + " tells of more than "
                + MOST_RUNS
                + " separate runs of dead letters, more than can be kept in memory: export the "
                + "dead letters and move that directory away");
      }
    }
  }

  /** Something was done of these. */
  void add(long first, long last, Fate fate) {
    runs.add(first, last, fate);
  }

  /** What was done of one; empty if it is still there. */
  public Optional<Fate> of(long number) {
    Optional<Fate> fate = runs.of(number);
    return fate.isEmpty() && position != null && number <= position.sequence()
        ? Optional.of(Fate.DISCARDED)
        : fate;
  }

  /** How many have one whose numbers are higher. */
  long doneBehind(long number) {
    return runs.countBehind(number);
  }

  /** Of all up to here something was done; null if there is no position. */
  public Position position() {
    return position;
  }

  /** How many runs they are. */
  int runs() {
    return runs.size();
  }

  /** Nobody asks any more what exactly was done of the first ones, up to this number. */
  void forget(long number) {
    if (number > 0) {
      runs.add(1, number, Fate.DISCARDED);
    }
  }

  /** All of it, in few entries. */
  List<Range> ranges() {
    return runs.ranges();
  }
}
