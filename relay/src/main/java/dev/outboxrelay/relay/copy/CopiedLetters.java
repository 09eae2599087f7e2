package dev.outboxrelay.relay.copy;

import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.disk.DiskStep;
import dev.outboxrelay.client.disk.OwnDescriptors;
import dev.outboxrelay.client.disk.SafeFiles;
import dev.outboxrelay.client.files.DeliveryMode;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.Position;
import dev.outboxrelay.client.files.PositionFile;
import dev.outboxrelay.client.writing.HeldDirectories;
import dev.outboxrelay.relay.deadletter.LetterCount;
import dev.outboxrelay.relay.deliver.InFlight;
import dev.outboxrelay.relay.deliver.Settled;
import dev.outboxrelay.relay.tail.Place;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;

/** Up to which dead letter of an outbox all are copied: {@code dead-letters/relay.copied}. */
public final class CopiedLetters {
  private static final Settled NOTHING = new Settled(0, InFlight.NO_EVENT_ID, Place.START, 0);

  private CopiedLetters() {}

  /**
   * Where to go on. Before the first copy that is where {@code dead-letters/} itself stands: at the
   * first letter that was neither replayed nor discarded. So it is, too, where the letters are not
   * those that were copied. A file that is damaged has all copied that is kept.
   *
   * @param letters the outbox {@code dead-letters/}
   * @throws IOException too if the file can't be read now
   */
  static Settled start(OutboxPaths letters) throws IOException {
    PositionFile.Reading reading = PositionFile.read(letters.copied());
    if (reading instanceof PositionFile.Reading.None) {
      reading = PositionFile.read(off(letters));
    }
    if (reading instanceof PositionFile.Reading.Unreadable) {
      throw new IOException(
          OwnDescriptors.nameOf(letters.copied()) + " can't be read: check the disk");
    } else if (reading instanceof PositionFile.Reading.Damaged) {
      return NOTHING;
    }
    UUID outbox = OutboxIdentity.outboxOf(letters);
    if (reading instanceof PositionFile.Reading.Saved saved
        && saved.position().outboxId().equals(outbox)
        && saved.position().sequence() <= LetterCount.lastNumber(letters)
        && LastCopied.isThere(letters, saved.position())) {
      return settled(saved.position());
    }
    Optional<Position> done =
        PositionFile.find(letters.position()).filter(found -> found.outboxId().equals(outbox));
    return done.map(CopiedLetters::settled).orElse(NOTHING);
  }

  private static Settled settled(Position position) {
    return position.sequence() == 0
        ? NOTHING
        : new Settled(
            position.sequence(),
            position.eventId(),
            new Place(position.cycle(), position.offset(), (position.index() & 0xFFFFFFFFL) + 1),
            position.settledBytes());
  }

  /** The same as it is saved. */
  static Position position(Settled settled, OutboxIdentity letters, long nowMillis) {
    Place next = settled.next();
    return new Position(
        letters.generation(),
        DeliveryMode.AT_LEAST_ONCE,
        settled.sequence(),
        settled.eventId(),
        next.cycle(),
        next.offset(),
        next.entry() == 0 ? 0 : next.cycle() << 32 | (next.entry() - 1),
        settled.settledBytes(),
        nowMillis,
        letters.outbox(),
        0);
  }

  /** The same while letters are not to be copied any more: what is left is no news then. */
  private static Path off(OutboxPaths letters) {
    return letters.copied().resolveSibling(letters.copied().getFileName() + ".off");
  }

  /** Letters are not copied any more; if they are later on, that goes on where it was. */
  public static void switchOff(OutboxPaths letters, Disk disk) throws IOException {
    HeldDirectories found = HeldDirectories.find(letters).orElse(null);
    if (found == null) {
      return;
    }
    try (HeldDirectories held = found) {
      if (SafeFiles.attributes(held.paths().copied()) != null) {
        disk.rename(held.paths().copied(), off(held.paths()), DiskStep.LINK);
        disk.syncDirectory(held.paths().root(), DiskStep.LINK);
      }
    }
  }

  /** Letters are copied, and how far that is stands where it belongs. */
  static void switchedOn(OutboxPaths letters, Disk disk) throws IOException {
    if (SafeFiles.attributes(off(letters)) != null) {
      disk.unlink(off(letters), DiskStep.UNLINK);
    }
  }

  /** How many letters are not copied, where all are to be. */
  public static long left(OutboxPaths letters) throws IOException {
    long last = LetterCount.lastNumber(letters);
    return last == 0 ? 0 : Math.max(0, last - start(letters).sequence());
  }

  /** The same for who does not know whether they are copied at all; empty if they are not. */
  public static OptionalLong leftIfCopied(OutboxPaths letters) throws IOException {
    return SafeFiles.attributes(letters.copied()) == null
        ? OptionalLong.empty()
        : OptionalLong.of(left(letters));
  }
}
