package dev.outboxrelay.client.cycle;

import dev.outboxrelay.client.record.CycleId;
import dev.outboxrelay.client.record.RecordCodec;
import dev.outboxrelay.client.record.RecordLimits;
import dev.outboxrelay.client.record.RecordVerdict;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Optional;
import java.util.UUID;

/**
 * Reads a cycle file as it is, damaged or not, and while writers append to it: walks the chain of
 * entries, and searches behind damage for the next record that passes all checks. Holds no lock,
 * maps nothing. For one thread.
 */
public final class CycleScanner implements Closeable {
  private static final UUID NOBODY = new UUID(0, 0);

  /** Writers give up a cycle that is as long, so no record stands behind it. */
  private static final long LAST_PLACE = Integer.MAX_VALUE;

  private static final ByteBuffer ZEROS = ByteBuffer.allocate(16 << 10);

  private final FileWindow file;
  private final CycleLayout layout;
  private final CycleId cycle;
  private final boolean exclusive;
  private final int indexCount;

  /**
   * Reads through a window that somebody else closes.
   *
   * @param layout null if its header cannot be parsed
   * @param cycle with a null for the outbox, where only records with a prologue are valid
   * @param exclusive nothing changes meanwhile, as the writers' lock is held
   */
  public CycleScanner(FileWindow file, CycleLayout layout, CycleId cycle, boolean exclusive) {
    this.file = file;
    this.layout = layout;
    this.cycle = cycle;
    this.exclusive = exclusive;
    indexCount = layout == null ? CycleTemplate.INDEX_COUNT : layout.indexCount();
  }

  /**
   * Opens a cycle file for reading; a symbolic link is refused.
   *
   * @param outbox to which it belongs
   */
  public static CycleScanner open(Path cycleFile, UUID outbox) throws IOException {
    CycleId cycle = new CycleId(outbox, CycleName.numberOf(cycleFile));
    FileWindow file = FileWindow.open(cycleFile);
    try {
      return new CycleScanner(file, CycleLayout.read(file), cycle, false);
    } catch (IOException | RuntimeException e) {
      file.close();
      throw e;
    }
  }

  /**
   * The layout, or empty if the header cannot be parsed: then only {@link #findNext} can be of use,
   * from offset 0.
   */
  public Optional<CycleLayout> layout() {
    return Optional.ofNullable(layout);
  }

  /** Where the chain begins: the first data offset, or 0 if the header cannot be parsed. */
  public long start() {
    return layout == null ? 0 : layout.firstData();
  }

  /**
   * Offset of the last entry as the writers have noted it, 0 while there is none. Read anew from
   * disk.
   */
  public long writePosition() throws IOException {
    file.refresh();
    return layout == null ? 0 : file.getLong(layout.word1());
  }

  /** Where the last entry ends, as the writers have noted it; the start while there is none. */
  public long writtenEnd() throws IOException {
    long last = writePosition();
    if (last < start()) {
      return start();
    }
    CycleEntry entry = at(last);
    if (entry instanceof CycleEntry.Valid valid) {
      return valid.next();
    }
    return entry instanceof CycleEntry.Corrupt corrupt ? corrupt.next() : last;
  }

  /** Length of the file, bytes. */
  public long size() {
    return file.size();
  }

  /**
   * What stands at {@code offset}, which must be the start, or the {@code next} of an entry. Index
   * pages are passed over: the offset of the result may be higher. An End, and whatever is no sound
   * entry, is always fresh from disk: a writer may have been at work while it was read.
   */
  public CycleEntry at(long offset) throws IOException {
    CycleEntry found = read(offset);
    if (!exclusive && !(found instanceof CycleEntry.Valid || found instanceof CycleEntry.Eof)) {
      file.refresh();
      found = read(offset);
    }
    return found;
  }

  private CycleEntry read(long offset) throws IOException {
    long at = offset;
    try {
      while (true) {
        int header = file.has(at, 4) ? file.getInt(at) : CycleLayout.FREE;
        if (header == CycleLayout.EOF) {
          return new CycleEntry.Eof(at);
        }
        if (CycleLayout.isFree(header)) {
          return new CycleEntry.End(at);
        }
        int length = CycleLayout.length(header);
        if (!file.has(at + 4, length)) {
          return new CycleEntry.Hostile(at, header);
        }
        if (!CycleLayout.isMeta(header)) {
          return dataEntry(at, header, length);
        }
        if (!IndexPage.isAt(file, at, indexCount)) {
          return new CycleEntry.Hostile(at, header);
        }
        at = CycleLayout.next(at, length);
      }
    } catch (UnreadableBlock e) {
      return new CycleEntry.Unreadable(at);
    }
  }

  private CycleId placeOf(ByteBuffer record) {
    if (cycle.outbox() != null) {
      return cycle;
    }
    UUID claimed = RecordCodec.claimedOutbox(record);
    return new CycleId(claimed == null ? NOBODY : claimed, cycle.number());
  }

  private CycleEntry dataEntry(long offset, int header, int length) throws IOException {
    if (!CycleLayout.isDataLength(length)) {
      return new CycleEntry.Hostile(offset, header);
    }
    ByteBuffer record = file.slice(offset + 4, length);
    RecordVerdict verdict = RecordCodec.check(record, placeOf(record), offset);
    long next = CycleLayout.next(offset, length);
    if (verdict.isOtherFormat()) {
      return new CycleEntry.OtherFormat(cycle, offset, verdict);
    }
    return verdict.isValid()
        ? new CycleEntry.Valid(offset, RecordCodec.decode(record), next)
        : new CycleEntry.Corrupt(offset, length, verdict, next);
  }

  /**
   * The first published record of this cycle at or behind {@code from}, or one of a later version
   * if that comes first; empty if the file holds no more. Looks in steps of 4 bytes, whatever
   * stands between, and passes over what the disk does not give.
   *
   * @param last the last record before, behind which it must be in order; null if none is known
   */
  public Optional<CycleEntry> findNext(long from, LastRecord last) throws IOException {
    return findNext(from, LAST_PLACE, last);
  }

  /** The same, before {@code to}. */
  Optional<CycleEntry> findNext(long from, long to, LastRecord last) throws IOException {
    if (!exclusive) {
      file.refresh();
    }
    return find(from, Math.min(to, LAST_PLACE), last);
  }

  /** Where a search ends at the latest. */
  long endOfSearch() {
    return Math.min(file.size(), LAST_PLACE);
  }

  private Optional<CycleEntry> find(long from, long to, LastRecord last) throws IOException {
    long at = (Math.max(from, 0) + 3) & ~3L;
    while (at < to && file.has(at, 4 + RecordCodec.FIXED_BYTES)) {
      try {
        int step = stepsToMagic(at);
        if (step == 0) {
          CycleEntry found = recordAt(at);
          if (found instanceof CycleEntry.OtherFormat
              || (found instanceof CycleEntry.Valid valid
                  && (last == null || last.isBefore(valid.record())))) {
            return Optional.of(found);
          }
        }
        at += Math.max(step, 4);
      } catch (UnreadableBlock e) {
        at = UnreadableBlock.next(at);
      }
    }
    return Optional.empty();
  }

  /**
   * The same where there is no way but to refuse what another version wrote.
   *
   * @throws dev.outboxrelay.client.OutboxUnavailable if that comes first
   */
  public Optional<CycleEntry.Valid> findRecord(long from, LastRecord last) throws IOException {
    CycleEntry found = findNext(from, last).orElse(null);
    if (found instanceof CycleEntry.OtherFormat other) {
      throw other.refusal();
    }
    return Optional.ofNullable((CycleEntry.Valid) found);
  }

  /** The last record that ends at or before a header word; empty if none is near. */
  public Optional<CycleEntry.Valid> lastBefore(long offset) throws IOException {
    if (!exclusive) {
      file.refresh();
    }
    long from = Math.max(start(), offset - RecordLimits.LONGEST_ENTRY - 4);
    CycleEntry.Valid last = null;
    CycleEntry found = find(from, offset, null).orElse(null);
    while (found != null) {
      boolean isBefore = found instanceof CycleEntry.Valid valid && valid.next() <= offset;
      last = isBefore ? (CycleEntry.Valid) found : last;
      found = find(isBefore ? last.next() : found.offset() + 4, offset, null).orElse(null);
    }
    return Optional.ofNullable(last);
  }

  /** What is published at {@code at}, or null. */
  private CycleEntry recordAt(long at) throws IOException {
    int header = file.getInt(at);
    int length = CycleLayout.length(header);
    if ((header & CycleLayout.EOF) != 0
        || !CycleLayout.isDataLength(length)
        || !file.has(at + 4, length)) {
      return null;
    }
    try {
      return dataEntry(at, header, length);
    } catch (UnreadableBlock e) {
      return null; // its end can't be read; a smaller one may stand before that
    }
  }

  /**
   * Bytes from {@code at} to the next header word before a magic that is in memory already; 0 if it
   * stands here.
   */
  private int stepsToMagic(long at) throws IOException {
    file.getLong(at); // reads ahead, if need be
    int buffered = Math.max(file.buffered(at) & ~3, 8);
    ByteBuffer bytes = file.slice(at, buffered);
    int last = buffered - 4;
    int i = 4;
    while (i <= last) {
      int word = bytes.getInt(i);
      if (word == RecordCodec.MAGIC) {
        return i - 4;
      }
      i += word == 0 ? Math.max(zerosAt(bytes, i) & ~3, 4) : 4;
    }
    return last;
  }

  /** How many bytes are zero from {@code at} on: damaged files are mostly holes. */
  private static int zerosAt(ByteBuffer bytes, int at) {
    int left = Math.min(bytes.limit() - at, ZEROS.capacity());
    if (left < Long.BYTES || bytes.getLong(at) != 0) {
      return 0;
    }
    int zeros = bytes.slice(at, left).mismatch(ZEROS.slice(0, left));
    return zeros < 0 ? left : zeros;
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
