package dev.outboxrelay.client.cycle;

import dev.outboxrelay.client.record.CycleId;
import dev.outboxrelay.client.record.RecordCodec;
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

  private final FileWindow file;
  private final CycleLayout layout;
  private final CycleId cycle;
  private final boolean exclusive;

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
      return new CycleScanner(file, CycleLayout.parse(file).orElse(null), cycle, false);
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

  /** Length of the file, bytes. */
  public long size() {
    return file.size();
  }

  /**
   * What stands at {@code offset}, which must be the start, or the {@code next} of an entry. Index
   * pages are passed over: the offset of the result may be higher. An End is always fresh from
   * disk: it is worth asking again later.
   */
  public CycleEntry at(long offset) throws IOException {
    long at = offset;
    boolean fresh = exclusive;
    while (true) {
      if (!file.has(at, 4)) {
        if (fresh) {
          return new CycleEntry.Hostile(at, 0);
        }
        file.refresh();
        fresh = true;
        continue;
      }
      int header = file.getInt(at);
      if (header == CycleLayout.EOF) {
        return new CycleEntry.Eof(at);
      }
      boolean free = CycleLayout.isFree(header);
      int length = CycleLayout.length(header);
      if (!fresh && (free || !file.has(at + 4, length))) {
        file.refresh();
        fresh = true;
        continue;
      }
      if (free) {
        return new CycleEntry.End(at);
      }
      if (!file.has(at + 4, length)) {
        return new CycleEntry.Hostile(at, header);
      }
      if (CycleLayout.isMeta(header)) {
        if (layout == null || layout.pageArray(file, at) == 0) {
          return new CycleEntry.Hostile(at, header);
        }
        at = CycleLayout.next(at, length);
        continue;
      }
      return dataEntry(at, header, length);
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
      return new CycleEntry.OtherFormat(offset, verdict);
    }
    return verdict.isValid()
        ? new CycleEntry.Valid(offset, RecordCodec.decode(record), next)
        : new CycleEntry.Corrupt(offset, length, verdict, next);
  }

  /**
   * The first published record at or behind {@code from} that passes all checks, in steps of 4
   * bytes and whatever the chain says; empty if the file holds no more.
   */
  public Optional<CycleEntry.Valid> findNext(long from) throws IOException {
    if (!exclusive) {
      file.refresh();
    }
    long at = (Math.max(from, 0) + 3) & ~3L;
    while (file.has(at, 4 + RecordCodec.FIXED_BYTES)) {
      int step = stepsToMagic(at);
      at += step;
      if (step > 0) {
        continue;
      }
      int header = file.getInt(at);
      int length = CycleLayout.length(header);
      if ((header & CycleLayout.EOF) == 0
          && CycleLayout.isDataLength(length)
          && file.has(at + 4, length)
          && dataEntry(at, header, length) instanceof CycleEntry.Valid valid) {
        return Optional.of(valid);
      }
      at += 4;
    }
    return Optional.empty();
  }

  /**
   * Bytes from {@code at} to the next header word before a magic that is in memory already; 0 if it
   * stands here.
   */
  private int stepsToMagic(long at) throws IOException {
    int buffered = Math.max(file.buffered(at) & ~3, 8);
    ByteBuffer bytes = file.slice(at, buffered);
    int last = buffered - 4;
    for (int i = 4; i <= last; i += 4) {
      if (bytes.getInt(i) == RecordCodec.MAGIC) {
        return i - 4;
      }
    }
    return last;
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
