package dev.outboxrelay.relay.tail;

import dev.outboxrelay.client.cycle.CycleEntry;
import dev.outboxrelay.client.cycle.CycleReader;
import dev.outboxrelay.client.cycle.CycleStep;
import dev.outboxrelay.client.cycle.FileWindow;
import dev.outboxrelay.client.cycle.LastRecord;
import dev.outboxrelay.client.cycle.UnreadableBlock;
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

  /**
   * Begins at a place of a cycle.
   *
   * @param outbox to which it belongs
   * @param last the record of this cycle before the place; null = not known
   */
  SalvageTail(Path file, UUID outbox, Place place, LastRecord last) throws IOException {
    this.file = file;
    this.reader = CycleReader.open(file, outbox);
    this.cycle = place.cycle();
    reader.startAt(place.offset(), place.entry(), last);
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
      String reason = damage.problem().label();
      return new TailedRecord.Damaged(
          cycle, damage.offset(), damage.next(), reason, damage.entry());
    } else if (step instanceof CycleStep.Stopped stopped) {
      throw stopped.other().refusal();
    } else if (step instanceof CycleStep.Lost lost && closed) {
      finished = true;
      if (lost.problem() == CycleStep.Problem.MISSING_EOF) {
        return null; // nothing was ever published there
      }
      long end = endOfData(lost.offset());
      String reason = lost.problem().label();
      return end > lost.offset()
          ? new TailedRecord.Damaged(cycle, lost.offset(), end, reason, -1)
          : null;
    }
    return null;
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
