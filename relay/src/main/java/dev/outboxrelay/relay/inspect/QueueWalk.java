package dev.outboxrelay.relay.inspect;

import dev.outboxrelay.client.cycle.CycleEntry;
import dev.outboxrelay.client.cycle.CycleReader;
import dev.outboxrelay.client.cycle.CycleStep;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.util.List;
import java.util.UUID;

/**
 * Goes through the records of a queue, cycle by cycle, and past damage to the next record that
 * passes all checks. It sees what was published when it began, and perhaps some of what is appended
 * meanwhile.
 */
public final class QueueWalk {
  private final OutboxPaths paths;
  private final QueueEnd end;

  /** Opens nothing yet. */
  public QueueWalk(OutboxPaths paths) {
    this(paths, QueueEnd.NEVER);
  }

  private QueueWalk(OutboxPaths paths, QueueEnd end) {
    this.paths = paths;
    this.end = end;
  }

  /** One that sees nothing of what is appended from now on, and so ends however fast that is. */
  public static QueueWalk untilNow(OutboxPaths paths) throws IOException {
    return new QueueWalk(paths, QueueEnd.of(paths));
  }

  /** Visits everything. */
  public void all(QueueVisitor visitor) throws IOException {
    from(Long.MIN_VALUE, 0, visitor);
  }

  /**
   * Visits what stands at or behind a place.
   *
   * @param firstCycle cycles before it are left out
   * @param offset in that cycle, of a header word; 0 = from its start
   */
  public void from(long firstCycle, long offset, QueueVisitor visitor) throws IOException {
    List<Long> cycles = paths.cycles();
    UUID outbox = cycles.isEmpty() ? null : OutboxIdentity.outboxOf(paths);
    for (int i = 0; i < cycles.size(); i++) {
      long cycle = cycles.get(i);
      boolean newest = i == cycles.size() - 1;
      if (cycle < firstCycle) {
        continue;
      }
      try (CycleReader reader = CycleReader.open(paths.cycle(cycle), outbox)) {
        visitor.cycleBegins(cycle, reader.scanner(), newest);
        if (cycle == firstCycle) {
          reader.startAt(offset, 0);
        }
        if (!walk(cycle, reader, newest, visitor)) {
          return;
        }
      } catch (NoSuchFileException e) {
        // Settled and deleted since the listing.
      }
    }
  }

  private boolean walk(long cycle, CycleReader reader, boolean newest, QueueVisitor visitor)
      throws IOException {
    while (true) {
      CycleStep step = reader.next(newest);
      if (step instanceof CycleStep.Event event) {
        CycleEntry.Valid valid = event.found();
        FoundEvent found = new FoundEvent(cycle, valid.offset(), valid.record());
        if (!end.isAfter(found) || !visitor.event(found)) {
          return false;
        }
      } else if (step instanceof CycleStep.Damage damage) {
        if (!visitor.damage(
            new Damage(
                cycle,
                damage.offset(),
                damage.next() - damage.offset(),
                damage.problem().label(),
                damage.detail()))) {
          return false;
        }
      } else if (step instanceof CycleStep.Lost lost) {
        String kind = lost.problem().label();
        return visitor.damage(new Damage(cycle, lost.offset(), 0, kind, lost.detail()));
      } else if (step instanceof CycleStep.Stopped stopped) {
        visitor.stops(cycle, stopped.offset(), stopped.other());
        return false;
      } else {
        visitor.cycleEnds(cycle);
        return true;
      }
    }
  }
}
