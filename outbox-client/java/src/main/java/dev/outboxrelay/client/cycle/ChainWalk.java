package dev.outboxrelay.client.cycle;

import dev.outboxrelay.client.record.CycleId;
import dev.outboxrelay.client.record.OutboxRecord;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * Finds the tail of a cycle as FORMAT.md, <i>Finding the tail</i>, says: follows the chain from the
 * last entry that is noted, and takes nothing that a writer of ours does not leave. For one walk.
 */
public final class ChainWalk {
  private final CycleLayout layout;
  private final CycleScanner scanner;
  private final List<Found> unbooked = new ArrayList<>();
  private CycleEntry.Valid last; // null while there is none
  private LastRecord lastRecord;
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
   * @throws dev.outboxrelay.client.OutboxUnavailable if another version wrote what stands here
   */
  public End toEnd(long noted) throws IOException {
    end = layout.firstData();
    if (noted != 0) {
      end = noted;
      boolean possible = noted % 4 == 0 && noted >= layout.firstData();
      if (!possible
          || !(read(noted) instanceof CycleEntry.Valid valid)
          || valid.offset() != noted
          || (valid.record().entry() == 0) != (noted == layout.firstData())) {
        return End.BROKEN;
      }
      goBehind(valid);
    }
    while (true) {
      CycleEntry at = read(end);
      end = at.offset();
      if (at instanceof CycleEntry.Valid valid && follows(valid)) {
        goBehind(valid);
        note(valid.offset());
      } else if (last != null && last.record().batch()) {
        return End.BROKEN; // FORMAT I10: the rest of it is lost
      } else if (at instanceof CycleEntry.End) {
        return End.OPEN;
      } else {
        return at instanceof CycleEntry.Eof ? End.CLOSED : End.BROKEN;
      }
    }
  }

  private CycleEntry read(long offset) throws IOException {
    CycleEntry at = scanner.at(offset);
    if (at instanceof CycleEntry.OtherFormat other) {
      throw other.refusal();
    }
    return at;
  }

  private boolean follows(CycleEntry.Valid valid) {
    OutboxRecord record = valid.record();
    if (last == null) {
      return record.entry() == 0 && !record.continued();
    }
    boolean inItsBatch = last.record().batch();
    return lastRecord.isFollowedBy(record)
        && inItsBatch == record.continued()
        && (!inItsBatch || valid.offset() == last.next());
  }

  private void goBehind(CycleEntry.Valid valid) {
    last = valid;
    lastRecord = LastRecord.of(valid.record());
    end = valid.next();
  }

  /** Only the newest is worth booking, and those that the index covers. */
  private void note(long offset) {
    int newest = unbooked.size() - 1;
    if (newest >= 0 && unbooked.get(newest).entry() % layout.indexSpacing() != 0) {
      unbooked.remove(newest);
    }
    unbooked.add(new Found(offset, lastRecord.entry()));
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
    return last == null ? 0 : last.offset();
  }

  /** Behind the last record, the first data offset if there is none. */
  public long endOfRecords() {
    return last == null ? layout.firstData() : last.next();
  }

  /** The last record; null if there is none. */
  public LastRecord lastRecord() {
    return lastRecord;
  }

  /** Sequence of the last record, 0 if there is none. */
  public long lastSequence() {
    return lastRecord == null ? 0 : lastRecord.sequence();
  }

  /** Number of the next entry. */
  public long entries() {
    return lastRecord == null ? 0 : lastRecord.entry() + 1;
  }

  /** Offset at which the chain ends. */
  public long end() {
    return end;
  }
}
