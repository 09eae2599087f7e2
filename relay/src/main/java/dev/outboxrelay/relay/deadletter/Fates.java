package dev.outboxrelay.relay.deadletter;

import dev.outboxrelay.client.disk.OwnDescriptors;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutcomesFile.Range;
import dev.outboxrelay.client.files.OutcomesFollower;
import dev.outboxrelay.client.files.Position;
import dev.outboxrelay.client.files.PositionFile;
import java.io.IOException;
import java.util.Optional;
import java.util.UUID;

/**
 * What was done of the dead letters, by their numbers. What stands in the files does not count if
 * there is no position beside it, or one of another outbox: then it is of letters that were there
 * before. For one thread.
 */
public final class Fates {
  private final OutboxPaths letters;
  private final OutcomesFollower told;
  private final FateTable table = new FateTable(FateTable.MOST_BLOCKS);
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
  public void readOn() throws IOException {
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
      table.clear();
    }
  }

  private final class Told implements OutcomesFollower.Visitor {
    @Override
    public void beginsAnew() {
      table.clear();
    }

    @Override
    public void range(Range range) {
      add(range.first(), range.last(), Fate.of(range.outcome()));
    }
  }

  /** Something was done of these. */
  void add(long first, long last, Fate fate) {
    table.add(first, last, fate);
  }

  /** What was done of one; empty if it is still there. */
  public Optional<Fate> of(long number) {
    Optional<Fate> fate = table.of(number);
    return fate.isEmpty() && position != null && number <= position.sequence()
        ? Optional.of(Fate.DISCARDED)
        : fate;
  }

  /** How many have one whose numbers are above one, and not above another. */
  public long done(long above, long upTo) {
    return table.count(above, upTo);
  }

  /**
   * Refuses what would not be known of later.
   *
   * @param number of a letter of which something is to be done
   */
  void checkRoom(long number) throws IOException {
    if (!table.hasRoomFor(number)) {
      throw new IOException(
          OwnDescriptors.nameOf(letters.outcomes())
              + " tells of too many dead letters between which others are still there, up to number "
              + number
              + ": discard the oldest first, or export the dead letters and move that directory"
              + " away");
    }
  }

  /** Of all up to here something was done; null if there is no position. */
  public Position position() {
    return position;
  }

  /** So many entries tell it, or a few less. */
  long runs() {
    return table.runs();
  }

  /** Nobody asks any more what exactly was done of the first ones, up to this number. */
  void forget(long number) {
    if (number > 0) {
      table.add(1, number, Fate.DISCARDED);
    }
  }

  /** All of it, in few entries. */
  Iterable<Range> ranges() {
    return table.ranges();
  }
}
