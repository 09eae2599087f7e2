package dev.outboxrelay.relay.tail;

import dev.outboxrelay.client.cycle.CycleEntry;
import dev.outboxrelay.client.cycle.CycleScanner;
import dev.outboxrelay.client.cycle.FileWindow;
import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.client.record.RecordVerdict;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Optional;
import java.util.UUID;

/**
 * Reads one cycle that Chronicle can't get past: follows the chain of entries as far as it holds,
 * and searches behind damage for the next record that passes all checks. What lies between is
 * damaged. For one thread.
 */
final class SalvageTail implements Closeable {
  private static final int BLOCK_BYTES = 64 << 10;

  private final long cycle;
  private final Path file;
  private final CycleScanner scanner;
  private long offset;
  private long entry;
  private long lastSequence;
  private long searchedAt = -1;
  private boolean finished;
  private boolean atEnd;

  /**
   * Begins at a place of a cycle.
   *
   * @param outbox to which it belongs
   * @param lastSequence of the record before it; 0 = not known
   */
  SalvageTail(Path file, UUID outbox, Place place, long lastSequence) throws IOException {
    this.file = file;
    this.scanner = CycleScanner.open(file, outbox);
    this.cycle = place.cycle();
    this.offset = Math.max(place.offset(), scanner.start());
    this.entry = place.entry();
    this.lastSequence = lastSequence;
  }

  /** Whether a failed check still says that the entry has the length that its header tells. */
  static boolean confirmsLength(RecordVerdict verdict) {
    return verdict == RecordVerdict.BAD_CRC;
  }

  /**
   * The next record or damaged bytes; null if there is nothing more by now.
   *
   * @param closed whether the cycle is not the newest any more, so that nothing will be added
   */
  TailedRecord poll(boolean closed) throws IOException {
    if (finished) {
      return null;
    }
    atEnd = false;
    CycleEntry at = scanner.at(offset);
    if (at instanceof CycleEntry.Valid valid) {
      return accept(valid);
    }
    if (at instanceof CycleEntry.Corrupt corrupt) {
      return pass(corrupt);
    }
    if (at instanceof CycleEntry.OtherFormat other) {
      throw other.refusal(file.toString());
    }
    if (at instanceof CycleEntry.Hostile hostile) {
      return search(hostile.offset(), "hostile length", closed);
    }
    if (scanner.layout().isEmpty() || scanner.writePosition() > offset) {
      return search(at.offset(), "hole", closed);
    }
    atEnd = true;
    finished = closed;
    return null;
  }

  private TailedRecord.Intact accept(CycleEntry.Valid valid) {
    OutboxRecord record = valid.record();
    offset = valid.next();
    entry = record.entry() + 1L;
    lastSequence = record.sequence();
    return new TailedRecord.Intact(cycle, valid.offset(), valid.next(), record);
  }

  private TailedRecord pass(CycleEntry.Corrupt corrupt) throws IOException {
    if (!confirmsLength(corrupt.verdict())) {
      Optional<CycleEntry.Valid> found = findPlausible(corrupt.offset() + 4);
      if (found.isPresent() && found.get().offset() < corrupt.next()) {
        return skip(corrupt.offset(), found.get().offset(), "wrong length");
      }
    }
    offset = corrupt.next();
    return new TailedRecord.Damaged(
        cycle, corrupt.offset(), corrupt.next(), corrupt.verdict().name(), entry++);
  }

  private TailedRecord search(long from, String reason, boolean closed) throws IOException {
    long writePosition = scanner.layout().isEmpty() ? 0 : scanner.writePosition();
    if (!closed && writePosition == searchedAt) {
      return null; // nothing was written since the last search, which can take seconds
    }
    Optional<CycleEntry.Valid> found = findPlausible(from);
    if (found.isPresent()) {
      return skip(from, found.get().offset(), reason);
    }
    if (!closed) {
      searchedAt = writePosition;
      return null;
    }
    finished = true;
    long end = endOfData(from);
    return end > from ? new TailedRecord.Damaged(cycle, from, end, reason, -1) : null;
  }

  private TailedRecord.Damaged skip(long from, long to, String reason) {
    offset = to;
    return new TailedRecord.Damaged(cycle, from, to, reason, -1);
  }

  /** A record inside of another one's value is not taken for one of this cycle. */
  private Optional<CycleEntry.Valid> findPlausible(long from) throws IOException {
    Optional<CycleEntry.Valid> found = scanner.findNext(from);
    while (found.isPresent() && !isPlausible(found.get().record())) {
      found = scanner.findNext(found.get().offset() + 4);
    }
    return found;
  }

  private boolean isPlausible(OutboxRecord record) {
    return record.sequence() > lastSequence && Integer.toUnsignedLong(record.entry()) >= entry;
  }

  /** Whether all of the cycle was read and nothing will be added. */
  boolean isFinished() {
    return finished;
  }

  /** Whether it waits for more behind an undamaged chain. */
  boolean isAtEnd() {
    return atEnd;
  }

  Place place() {
    return new Place(cycle, offset, entry);
  }

  @Override
  public void close() throws IOException {
    scanner.close();
  }

  /** Behind the last byte that is not zero: the rest of the file was never written. */
  private long endOfData(long from) throws IOException {
    long end = from;
    try (FileWindow window = FileWindow.open(file)) {
      for (long at = from; at < window.size(); at += BLOCK_BYTES) {
        int length = (int) Math.min(BLOCK_BYTES, window.size() - at);
        ByteBuffer block = window.slice(at, length);
        int last = length - 1;
        while (last >= 0 && block.get(last) == 0) {
          last--;
        }
        end = last >= 0 ? at + last + 1 : end;
      }
    }
    return end;
  }
}
