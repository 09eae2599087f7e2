package dev.outboxrelay.relay.tail;

import dev.outboxrelay.client.cycle.CycleEntry;
import dev.outboxrelay.client.cycle.CycleReader;
import dev.outboxrelay.client.cycle.CycleScanner;
import dev.outboxrelay.client.cycle.CycleStep;
import dev.outboxrelay.client.cycle.CycleStep.Problem;
import dev.outboxrelay.client.cycle.FileWindow;
import dev.outboxrelay.client.cycle.LastRecord;
import dev.outboxrelay.client.cycle.UnreadableBlock;
import dev.outboxrelay.relay.tail.TailedRecord.Lost;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.UUID;

/**
 * Reads one cycle that Chronicle can't get past: follows the chain of entries as far as it holds,
 * and searches behind damage for the next record of this cycle. What lies between is damaged. For
 * one thread.
 */
final class SalvageTail implements Closeable {
  private static final int BLOCK_BYTES = 64 << 10;

  private final long cycle;
  private final Path file;
  private final CycleReader reader;
  private boolean finished;
  private boolean atEnd;
  private boolean endMissing;

  /**
   * Begins at a place of a cycle.
   *
   * @param outbox to which it belongs
   */
  SalvageTail(Path file, UUID outbox, Place place) throws IOException {
    this.file = file;
    this.reader = CycleReader.open(file, outbox);
    this.cycle = place.cycle();
    try {
      reader.startAt(place.offset(), place.entry());
    } catch (IOException | RuntimeException e) {
      reader.close();
      throw e;
    }
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
    CycleStep step = reader.next(!closed);
    atEnd = step instanceof CycleStep.Waiting;
    finished = step instanceof CycleStep.Ended;
    if (step instanceof CycleStep.Event event) {
      CycleEntry.Valid found = event.found();
      return new TailedRecord.Intact(cycle, found.offset(), found.next(), found.record());
    } else if (step instanceof CycleStep.Damage damage) {
      return damaged(damage.problem(), damage.offset(), damage.next(), lost(damage));
    } else if (step instanceof CycleStep.Stopped stopped) {
      String error = stopped.other().refusal().getMessage();
      return new TailedRecord.OtherFormat(cycle, stopped.offset(), error);
    } else if (step instanceof CycleStep.Lost lost && closed) {
      finished = true;
      endMissing = lost.problem() == Problem.MISSING_EOF;
      // A record that was never published may stand behind an end.
      long end = endMissing ? lost.offset() : endOfData(lost.offset());
      return end > lost.offset() ? damaged(lost.problem(), lost.offset(), end, Lost.UNKNOWN) : null;
    }
    return null;
  }

  private TailedRecord.Damaged damaged(Problem problem, long offset, long end, Lost lost) {
    return new TailedRecord.Damaged(cycle, offset, end, problem.label(), lost);
  }

  private Lost lost(CycleStep.Damage damage) throws IOException {
    if (damage.problem() == Problem.INCOMPLETE_BATCH) {
      return batch(damage.offset(), damage.next());
    }
    return damage.entry() < 0 ? Lost.UNKNOWN : Lost.one(damage.entry());
  }

  /** Each record of a batch is intact, only not all of them are there. */
  private Lost batch(long offset, long end) throws IOException {
    CycleScanner scanner = reader.scanner();
    Lost lost = Lost.UNKNOWN;
    long at = offset;
    while (at < end && scanner.at(at) instanceof CycleEntry.Valid valid) {
      LastRecord last = LastRecord.of(valid.record());
      lost = new Lost(lost.count() + 1, last.entry(), last.sequence());
      at = valid.next();
    }
    return at == end ? lost : Lost.UNKNOWN;
  }

  /** Whether all of the cycle was read and nothing will be added. */
  boolean isFinished() {
    return finished;
  }

  /** Whether its end mark is missing, and nothing was found behind its end. */
  boolean isEndMissing() {
    return endMissing;
  }

  /** Whether it waits for more behind an undamaged chain. */
  boolean isAtEnd() {
    return atEnd;
  }

  Place place() {
    return new Place(cycle, reader.offset(), reader.entry());
  }

  @Override
  public void close() throws IOException {
    reader.close();
  }

  /** Behind the last byte that is not zero: the rest of the file was never written. */
  private long endOfData(long from) throws IOException {
    long end = from;
    try (FileWindow window = FileWindow.open(file)) {
      long at = from;
      while (at < window.size()) {
        int length = (int) Math.min(BLOCK_BYTES, window.size() - at);
        try {
          ByteBuffer block = window.slice(at, length);
          int last = length - 1;
          while (last >= 0 && block.get(last) == 0) {
            last--;
          }
          end = last < 0 ? end : at + last + 1;
          at += length;
        } catch (UnreadableBlock e) {
          at = UnreadableBlock.next(at);
          end = Math.min(at, window.size());
        }
      }
    }
    return end;
  }
}
