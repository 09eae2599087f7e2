package dev.outboxrelay.client.cycle;

import dev.outboxrelay.client.cycle.CycleStep.Problem;
import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.client.record.RecordVerdict;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;

/**
 * Reads a cycle as FORMAT.md, <i>Reading</i>, says: from entry to entry, and on behind damage. May
 * go on while writers append. Holds no lock, changes nothing. For one thread.
 */
public final class CycleReader implements Closeable {
  private final CycleScanner scanner;
  private long offset;
  private long noted; // word1, read before what is now at the offset
  private boolean refreshNoted;
  private LastRecord last; // null while none is known
  private boolean ordered; // nothing is missing between the last record and the offset
  private long withinBatchAt = -1; // here goes on what somebody has read before
  private long batchEnd; // up to here all is known to be of whole batches
  private long searchBytes = Long.MAX_VALUE;
  private Search search; // under way
  private CycleStep.Lost lost;
  private long lostFrom; // where it is searched again
  private boolean searchedOpen; // while something might still be appended
  private long searchedFrom = -1; // without a header: found nothing behind this end
  private long entry; // number that the next record should have

  /** Reads through a scanner, which it closes. */
  CycleReader(CycleScanner scanner) throws IOException {
    this.scanner = scanner;
    offset = scanner.start();
    ordered = true;
    noted = scanner.writePosition();
  }

  /**
   * Opens a cycle file, to read it from its beginning; a symbolic link is refused.
   *
   * @param outbox to which it belongs
   */
  public static CycleReader open(Path cycleFile, UUID outbox) throws IOException {
    CycleScanner scanner = CycleScanner.open(cycleFile, outbox);
    try {
      return new CycleReader(scanner);
    } catch (IOException | RuntimeException e) {
      scanner.close();
      throw e;
    }
  }

  /**
   * A search that is under way.
   *
   * @param problem null where it looks for more than holes behind the last record
   * @param from where the problem is
   * @param behind where it began
   * @param at where it goes on
   */
  private record Search(Problem problem, long from, long behind, long at, String detail) {}

  /** Lets each step search so many bytes at most; then it is {@link CycleStep.Searching}. */
  public void searchAtMost(long bytes) {
    searchBytes = bytes;
  }

  /**
   * Goes on where a reader left off: in order behind the record that ends there, and within its
   * batch.
   *
   * @param from of a header word; at or before the cycle's start for that
   * @param nextEntry number of the record that should stand there
   */
  public void startAt(long from, long nextEntry) throws IOException {
    if (from <= scanner.start()) {
      return;
    }
    offset = from;
    entry = nextEntry;
    CycleEntry.Valid before = scanner.lastBefore(from).orElse(null);
    last = before == null ? null : LastRecord.of(before.record());
    ordered = before != null && before.next() == from;
    withinBatchAt = ordered && before.record().batch() ? from : -1;
  }

  /**
   * Goes on behind a record that a reader has found, without a search for it.
   *
   * @param recordOffset of its header word
   * @return false if it is not there any more: then it is where it was
   */
  public boolean startBehind(long recordOffset) throws IOException {
    if (!(scanner.at(recordOffset) instanceof CycleEntry.Valid before)
        || before.offset() != recordOffset) {
      return false;
    }
    offset = before.next();
    last = LastRecord.of(before.record());
    entry = last.entry() + 1;
    ordered = true;
    withinBatchAt = before.record().batch() ? offset : -1;
    return true;
  }

  /**
   * The next record, or what stands in its place.
   *
   * @param newest whether the cycle is the newest, so that something may yet be appended; asked
   *     before this call
   */
  public CycleStep next(boolean newest) throws IOException {
    if (refreshNoted) {
      noted = scanner.writePosition();
      refreshNoted = false;
    }
    if (search != null) {
      return goOnSearching(newest);
    }
    if (lost != null) {
      return searchAgain(newest);
    }
    searchedOpen = newest;
    if (scanner.layout().isEmpty() && offset == 0) {
      return search(0, 0, Problem.UNREADABLE_HEADER, "no cycle header", newest);
    }
    CycleEntry at = scanner.at(offset);
    offset = at.offset();
    if (at instanceof CycleEntry.Valid valid) {
      return accept(valid);
    } else if (at instanceof CycleEntry.OtherFormat other) {
      return new CycleStep.Stopped(offset, other);
    } else if (at instanceof CycleEntry.Corrupt corrupt) {
      String detail = corrupt.verdict().name().toLowerCase(Locale.ROOT).replace('_', ' ');
      return corrupt.verdict() == RecordVerdict.BAD_CRC
          ? pass(Problem.CRC, corrupt.next(), entry, detail)
          : search(offset, offset + 4, Problem.NOT_A_RECORD, detail, newest);
    } else if (at instanceof CycleEntry.Hostile hostile) {
      String detail = String.format(Locale.ROOT, "header word 0x%08x", hostile.header());
      return search(offset, offset + 4, Problem.HOSTILE_LENGTH, detail, newest);
    } else if (at instanceof CycleEntry.Unreadable) {
      long behind = UnreadableBlock.next(offset);
      return search(offset, behind, Problem.UNREADABLE_BLOCK, "the disk reports an error", newest);
    }
    if (scanner.layout().isEmpty()) {
      return behindEnd(newest);
    }
    if (offset <= noted) {
      String detail = "the last record is noted at " + noted;
      return search(offset, offset + 4, Problem.CHAIN_ENDS_BEFORE_WORD1, detail, newest);
    }
    refreshNoted = true;
    if (at instanceof CycleEntry.Eof) {
      return new CycleStep.Ended(offset);
    }
    return newest
        ? new CycleStep.Waiting(offset)
        : search(offset, offset + 4, Problem.MISSING_EOF, "the cycle is not the newest", false);
  }

  /** Without a header nothing tells where the data end: what stands here may be a hole. */
  private CycleStep behindEnd(boolean newest) throws IOException {
    if (newest && searchedFrom == offset) {
      return new CycleStep.Waiting(offset); // a search can take seconds
    }
    searchedFrom = offset;
    search = new Search(null, offset, offset + 4, offset + 4, null);
    return goOnSearching(newest);
  }

  private CycleStep accept(CycleEntry.Valid valid) throws IOException {
    OutboxRecord record = valid.record();
    if (!isInOrder(record)) {
      return pass(Problem.ORDER, valid.next(), -1, "it does not follow the record before it");
    }
    if (offset >= batchEnd && (record.batch() || record.continued())) {
      Batch batch = Batch.from(scanner, valid);
      boolean hasItsBeginning = !record.continued() || valid.offset() == withinBatchAt;
      if (batch.other() != null) {
        return new CycleStep.Stopped(offset, batch.other());
      }
      if (!batch.whole() || !hasItsBeginning) {
        CycleStep damage =
            pass(Problem.INCOMPLETE_BATCH, batch.end(), -1, "not all of its batch is there");
        last = batch.last();
        entry = last.entry() + 1;
        return damage;
      }
      batchEnd = batch.end();
    }
    last = LastRecord.of(record);
    ordered = true;
    offset = valid.next();
    entry = last.entry() + 1;
    return new CycleStep.Event(valid);
  }

  private boolean isInOrder(OutboxRecord record) {
    if (last != null) {
      return ordered ? last.isFollowedBy(record) : last.isBefore(record);
    }
    return !ordered || record.entry() == 0;
  }

  private CycleStep pass(Problem problem, long next, long number, String detail) {
    CycleStep damage = new CycleStep.Damage(problem, offset, next, number, detail);
    goOnAt(next);
    entry += number < 0 ? 0 : 1;
    return damage;
  }

  private void goOnAt(long next) {
    offset = next;
    ordered = false;
    batchEnd = 0;
  }

  private CycleStep search(long from, long behind, Problem problem, String detail, boolean newest)
      throws IOException {
    search = new Search(problem, from, behind, behind, detail);
    return goOnSearching(newest);
  }

  /**
   * Finds anything but the rest of a batch: its beginning is lost, or was never published, as only
   * the first header word of a batch is written last.
   */
  private CycleStep goOnSearching(boolean newest) throws IOException {
    Search now = search;
    long at = now.at;
    long to = at + Math.min(searchBytes, Long.MAX_VALUE - at);
    Optional<CycleEntry> found = scanner.findNext(at, to, last);
    while (found.isPresent()
        && found.get() instanceof CycleEntry.Valid valid
        && valid.record().continued()) {
      at = valid.next();
      found = scanner.findNext(at, to, last);
    }
    if (found.isEmpty() && to < scanner.endOfSearch()) {
      search = new Search(now.problem, now.from, now.behind, Math.max(at, to), now.detail);
      return new CycleStep.Searching(now.from);
    }
    search = null;
    if (found.isPresent()) {
      long next = found.get().offset();
      goOnAt(next);
      return now.problem == null
          ? next(newest)
          : new CycleStep.Damage(now.problem, now.from, next, -1, now.detail);
    }
    if (now.problem == null) {
      return newest ? new CycleStep.Waiting(offset) : new CycleStep.Ended(offset);
    }
    lost = new CycleStep.Lost(now.problem, now.from, now.detail);
    lostFrom = now.behind;
    return lost;
  }

  /** Only once something was written, as it can take seconds; and once the cycle is closed. */
  private CycleStep searchAgain(boolean newest) throws IOException {
    CycleStep.Lost before = lost;
    long written = scanner.writePosition();
    boolean mayHaveGrown = written != noted || (newest && scanner.layout().isEmpty());
    if (!mayHaveGrown && newest == searchedOpen) {
      return before;
    }
    searchedOpen = newest;
    noted = written;
    lost = null;
    return search(before.offset(), lostFrom, before.problem(), before.detail(), newest);
  }

  /** The scanner beneath. */
  public CycleScanner scanner() {
    return scanner;
  }

  /** Where it goes on: of a header word, bytes. */
  public long offset() {
    return offset;
  }

  /** The number that the next record should have. */
  public long entry() {
    return entry;
  }

  @Override
  public void close() throws IOException {
    scanner.close();
  }
}
