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

  /** What is read in one turn of the delivery thread: some milliseconds. */
  private static final long TURN_BYTES = 16 << 20;

  private static final ByteBuffer ZEROS = ByteBuffer.allocate(BLOCK_BYTES);

  private final long cycle;
  private final Path file;
  private final CycleReader reader;
  private boolean finished;
  private boolean atEnd;
  private boolean endMissing;
  private boolean searching;
  private EndSearch endSearch; // under way

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
      reader.searchAtMost(TURN_BYTES);
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
    if (endSearch != null) {
      return searchEnd();
    }
    CycleStep step = reader.next(!closed);
    atEnd = step instanceof CycleStep.Waiting;
    finished = step instanceof CycleStep.Ended;
    searching = step instanceof CycleStep.Searching;
    if (step instanceof CycleStep.Event event) {
      CycleEntry.Valid found = event.found();
      return new TailedRecord.Intact(cycle, found.offset(), found.next(), found.record());
    } else if (step instanceof CycleStep.Damage damage) {
      return damaged(damage.problem(), damage.offset(), damage.next(), lost(damage));
    } else if (step instanceof CycleStep.Stopped stopped) {
      String error = stopped.other().refusal().getMessage();
      return new TailedRecord.OtherFormat(cycle, stopped.offset(), error);
    } else if (step instanceof CycleStep.Lost lost && closed) {
      endMissing = lost.problem() == Problem.MISSING_EOF;
      if (endMissing) { // a record that was never published may stand behind it
        finished = true;
        return null;
      }
      endSearch = new EndSearch(lost.problem(), lost.offset(), lost.offset(), lost.offset());
      return searchEnd();
    }
    return null;
  }

  /**
   * For the end of the data: behind the last byte that is not zero, as the rest of the file was
   * never written.
   *
   * @param from where the problem is
   * @param end as far as is known
   * @param at where to go on
   */
  private record EndSearch(Problem problem, long from, long end, long at) {}

  private TailedRecord searchEnd() throws IOException {
    EndSearch before = endSearch;
    long end = before.end;
    long at = before.at;
    long turnEnd = at + TURN_BYTES;
    try (FileWindow window = FileWindow.open(file)) {
      long size = Math.min(window.size(), Integer.MAX_VALUE);
      while (at < Math.min(size, turnEnd)) {
        int length = (int) Math.min(BLOCK_BYTES, size - at);
        try {
          int data = dataIn(window.slice(at, length));
          end = data == 0 ? end : at + data;
          at += length;
        } catch (UnreadableBlock e) {
          at = UnreadableBlock.next(at);
          end = Math.min(at, size);
        }
      }
      searching = at < size;
    }
    if (searching) {
      endSearch = new EndSearch(before.problem, before.from, end, at);
      return null;
    }
    endSearch = null;
    finished = true;
    return end > before.from ? damaged(before.problem, before.from, end, Lost.UNKNOWN) : null;
  }

  /** Length up to the last byte that is not zero. */
  private static int dataIn(ByteBuffer block) {
    if (block.mismatch(ZEROS.slice(0, block.remaining())) < 0) {
      return 0;
    }
    int length = block.remaining();
    while (block.get(length - 1) == 0) {
      length--;
    }
    return length;
  }

  /** Whether there is more to look through, so that it should be asked again soon. */
  boolean isSearching() {
    return searching;
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
}
