package dev.outboxrelay.relay.pipeline;

import dev.outboxrelay.client.cycle.CycleEntry;
import dev.outboxrelay.client.cycle.CycleScanner;
import dev.outboxrelay.client.disk.OwnDescriptors;
import dev.outboxrelay.client.disk.SafeFiles;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutboxState;
import dev.outboxrelay.client.files.Position;
import dev.outboxrelay.client.files.PositionFile;
import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.relay.deliver.InFlight;
import dev.outboxrelay.relay.deliver.Settled;
import dev.outboxrelay.relay.tail.Place;
import java.io.IOException;

/**
 * Finds where to go on, and whether position and queue belong together: the record at the position
 * must be the one that was settled last. A queue that was restored from a backup or taken from
 * elsewhere is recognised by that, and is a matter for an operator.
 */
final class StartPoint {
  private static final String WAY_OUT =
      "; restore the outbox as a whole, or, if events may be sent twice, remove ";

  private final OutboxPaths paths;
  private final OutboxState state;

  private StartPoint(OutboxPaths paths, OutboxState state) {
    this.paths = paths;
    this.state = state;
  }

  /**
   * The saved position, or null if nothing was ever settled.
   *
   * @throws PipelineRefused.NeedsOperator if it does not belong to what is in the queue
   */
  static Settled find(OutboxPaths paths, OutboxState state) throws IOException {
    PositionFile.Reading reading = PositionFile.read(paths.position());
    if (reading instanceof PositionFile.Reading.None) {
      return null;
    }
    if (reading instanceof PositionFile.Reading.Unreadable) {
      throw new IOException(
          OwnDescriptors.nameOf(paths.position())
              + " can't be read: check the disk; without it, all that is kept is sent again");
    }
    StartPoint start = new StartPoint(paths, state);
    if (!(reading instanceof PositionFile.Reading.Saved saved)) {
      throw start.refuse("both copies of the position are damaged");
    }
    start.check(saved.position());
    Position position = saved.position();
    Place next =
        new Place(position.cycle(), position.offset(), (position.index() & 0xFFFFFFFFL) + 1);
    return new Settled(position.sequence(), position.eventId(), next, position.settledBytes());
  }

  private void check(Position position) throws IOException {
    if (!position.outboxId().equals(state.outboxId())) {
      throw refuse(
          "the position is of outbox "
              + position.outboxId()
              + ", the queue of outbox "
              + state.outboxId());
    }
    if (SafeFiles.attributes(paths.cycle(position.cycle())) == null) {
      boolean goneOn =
          paths.cycles().stream().anyMatch(cycle -> cycle > position.cycle())
              || state.newest().filter(newest -> newest.cycle() >= position.cycle()).isPresent();
      if (!goneOn) {
        throw refuse(
            "the position is in cycle " + position.cycle() + ", which the queue never had");
      }
      return;
    }
    try (CycleScanner scanner =
        CycleScanner.open(paths.cycle(position.cycle()), state.outboxId())) {
      CycleEntry.Valid before = scanner.lastBefore(position.offset()).orElse(null);
      if (before != null && before.next() == position.offset()) {
        checkIsTheSame(before.record(), position);
      } else if (!goesOnBehind(scanner, position) && !isBehindDamage(scanner, before, position)) {
        throw refuse(
            "the position (sequence "
                + position.sequence()
                + ") is beyond what the queue holds in cycle "
                + position.cycle());
      }
    }
  }

  private void checkIsTheSame(OutboxRecord record, Position position) {
    boolean sameEvent =
        position.eventId().equals(InFlight.NO_EVENT_ID)
            || position.eventId().equals(record.eventId());
    if (!sameEvent || record.sequence() > position.sequence()) {
      throw refuse(
          "the position names sequence "
              + position.sequence()
              + " event "
              + position.eventId()
              + ", at its place is sequence "
              + record.sequence()
              + " event "
              + record.eventId());
    }
  }

  /**
   * Damage at the position does not matter as long as something of a later time is behind it:
   * sequences decide.
   */
  private boolean goesOnBehind(CycleScanner scanner, Position position) throws IOException {
    CycleEntry.Valid behind = scanner.findRecord(position.offset(), null).orElse(null);
    while (behind != null && behind.record().sequence() <= position.sequence()) {
      behind = scanner.findRecord(behind.next(), null).orElse(null);
    }
    return behind != null
        || paths.cycles().stream().anyMatch(cycle -> cycle > position.cycle())
        || scanner.at(scanner.start()) instanceof CycleEntry.Hostile;
  }

  /**
   * Whether the last record of all is damaged, and was settled before or since: something stands in
   * its place, or it is noted there. In a queue of an earlier time nothing does.
   */
  private static boolean isBehindDamage(
      CycleScanner scanner, CycleEntry.Valid before, Position position) throws IOException {
    CycleEntry at = scanner.at(before == null ? scanner.start() : before.next());
    while (at instanceof CycleEntry.Corrupt damaged && damaged.next() < position.offset()) {
      at = scanner.at(damaged.next());
    }
    boolean isEmpty = at instanceof CycleEntry.End || at instanceof CycleEntry.Eof;
    boolean isNoted = scanner.writePosition() >= at.offset();
    return at.offset() < position.offset() && (!isEmpty || isNoted);
  }

  private PipelineRefused.NeedsOperator refuse(String what) {
    return new PipelineRefused.NeedsOperator(
        OwnDescriptors.nameOf(paths.root())
            + ": "
            + what
            + WAY_OUT
            + OwnDescriptors.nameOf(paths.position()));
  }
}
