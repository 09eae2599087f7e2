package dev.outboxrelay.relay.inspect;

import dev.outboxrelay.client.cycle.CycleEntry;
import dev.outboxrelay.client.cycle.CycleScanner;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.record.RecordVerdict;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;

/**
 * Goes through the records of a queue, cycle by cycle, and past damage to the next record that
 * passes all checks. It sees what was published when it began, and perhaps some of what is appended
 * meanwhile.
 */
public final class QueueWalk {
  private final OutboxPaths paths;

  /** Opens nothing yet. */
  public QueueWalk(OutboxPaths paths) {
    this.paths = paths;
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
      try (CycleScanner scanner = CycleScanner.open(paths.cycle(cycle), outbox)) {
        visitor.cycleBegins(cycle, scanner, newest);
        if (!walk(cycle, scanner, cycle == firstCycle ? offset : 0, newest, visitor)) {
          return;
        }
      } catch (NoSuchFileException e) {
        // Settled and deleted since the listing.
      }
    }
  }

  private static boolean walk(
      long cycle, CycleScanner scanner, long offset, boolean newest, QueueVisitor visitor)
      throws IOException {
    // Whatever the writers had noted by now is published, so the chain must reach it.
    long noted = scanner.writePosition();
    long at = Math.max(offset, scanner.start());
    if (scanner.layout().isEmpty()) {
      Optional<CycleEntry.Valid> next = scanner.findNext(at);
      long bytes = next.map(CycleEntry::offset).orElse(0L);
      if (!visitor.damage(new Damage(cycle, 0, bytes, "unreadable-header", "no cycle header"))) {
        return false;
      }
      if (next.isEmpty()) {
        return true;
      }
      at = next.get().offset();
    }
    while (true) {
      CycleEntry entry = scanner.at(at);
      if (entry instanceof CycleEntry.Valid valid) {
        if (!visitor.event(new FoundEvent(cycle, valid.offset(), valid.record()))) {
          return false;
        }
        at = valid.next();
      } else if (entry instanceof CycleEntry.Corrupt corrupt) {
        if (!visitor.damage(corrupt(cycle, corrupt))) {
          return false;
        }
        at = corrupt.next();
      } else if (entry instanceof CycleEntry.OtherFormat other) {
        throw other.refusal("cycle " + cycle);
      } else if (isProperEnd(entry, noted)) {
        visitor.cycleEnds(cycle, entry, newest);
        return true;
      } else {
        Optional<CycleEntry.Valid> next = scanner.findNext(entry.offset() + 4);
        if (!visitor.damage(brokenChain(cycle, entry, noted, next))) {
          return false;
        }
        if (next.isEmpty()) {
          visitor.cycleEnds(cycle, entry, newest);
          return true;
        }
        at = next.get().offset();
      }
    }
  }

  private static boolean isProperEnd(CycleEntry entry, long noted) {
    return entry instanceof CycleEntry.Eof
        || (entry instanceof CycleEntry.End && entry.offset() > noted);
  }

  private static Damage corrupt(long cycle, CycleEntry.Corrupt entry) {
    return new Damage(
        cycle,
        entry.offset(),
        entry.next() - entry.offset(),
        entry.verdict() == RecordVerdict.BAD_CRC ? Damage.CRC : Damage.NOT_A_RECORD,
        entry.verdict().name().toLowerCase(Locale.ROOT).replace('_', ' '));
  }

  private static Damage brokenChain(
      long cycle, CycleEntry entry, long noted, Optional<CycleEntry.Valid> next) {
    long bytes = next.map(found -> found.offset() - entry.offset()).orElse(0L);
    return entry instanceof CycleEntry.Hostile hostile
        ? new Damage(
            cycle,
            entry.offset(),
            bytes,
            "hostile-length",
            String.format("header word 0x%08x", hostile.header()))
        : new Damage(
            cycle,
            entry.offset(),
            bytes,
            "chain-ends-before-word1",
            "the last record is noted at " + noted);
  }
}
