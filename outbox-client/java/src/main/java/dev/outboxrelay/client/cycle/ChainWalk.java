package dev.outboxrelay.client.cycle;

import dev.outboxrelay.client.record.CycleId;
import dev.outboxrelay.client.record.OutboxRecord;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * Follows a cycle's chain from the last entry that is noted to its end, and checks that entries and
 * sequences go up as only our writers make them. For one walk.
 */
public final class ChainWalk {
  private final CycleLayout layout;
  private final CycleScanner scanner;
  private final List<Found> unbooked = new ArrayList<>();
  private long last;
  private long lastSequence;
  private long entries;
  private long end;

  public ChainWalk(FileWindow file, CycleLayout layout, CycleId cycle, boolean exclusive) {
    this.layout = layout;
    scanner = new CycleScanner(file, layout, cycle, exclusive);
  }

  /** How a chain ends. */
  public enum End {
    /** At a free header word. */
    OPEN,
    /** At EOF. */
    CLOSED,
    /** At something that no writer of ours leaves: nobody may append here. */
    BROKEN
  }

  /** A record behind the last one that was noted. */
  public record Found(long offset, long entry) {}

  /**
   * Walks once.
   *
   * @param noted offset of the last entry that is noted (word1), 0 if none is
   */
  public End toEnd(long noted) throws IOException {
    end = layout.firstData();
    if (noted != 0) {
      end = noted;
      if (noted < layout.firstData()
          || noted % 4 != 0
          || !(scanner.at(noted) instanceof CycleEntry.Valid valid)
          || valid.offset() != noted) {
        return End.BROKEN;
      }
      add(valid, noted);
    }
    while (true) {
      CycleEntry at = scanner.at(end);
      end = at.offset();
      if (at instanceof CycleEntry.End) {
        return End.OPEN;
      } else if (at instanceof CycleEntry.Eof) {
        return End.CLOSED;
      } else if (at instanceof CycleEntry.Valid valid && follows(valid.record())) {
        add(valid, noted);
      } else {
        return End.BROKEN;
      }
    }
  }

  private boolean follows(OutboxRecord record) {
    return Integer.toUnsignedLong(record.entry()) == entries && record.sequence() > lastSequence;
  }

  private void add(CycleEntry.Valid valid, long noted) {
    last = valid.offset();
    lastSequence = valid.record().sequence();
    entries = Integer.toUnsignedLong(valid.record().entry()) + 1;
    end = valid.next();
    if (last != noted) {
      // Only the newest is worth noting, and those that the index covers.
      if (!unbooked.isEmpty()
          && unbooked.get(unbooked.size() - 1).entry() % layout.indexSpacing() != 0) {
        unbooked.remove(unbooked.size() - 1);
      }
      unbooked.add(new Found(last, entries - 1));
    }
  }

  /**
   * Records that are published but not noted yet, in order: at least the newest and those to be
   * indexed.
   */
  public List<Found> unbooked() {
    return unbooked;
  }

  /** Offset of the last record, 0 if there is none. */
  public long last() {
    return last;
  }

  /** Sequence of the last record, 0 if there is none. */
  public long lastSequence() {
    return lastSequence;
  }

  /** Number of the next entry. */
  public long entries() {
    return entries;
  }

  /** Offset at which the chain ends. */
  public long end() {
    return end;
  }
}
