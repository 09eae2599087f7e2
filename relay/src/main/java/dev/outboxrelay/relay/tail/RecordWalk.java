package dev.outboxrelay.relay.tail;

import dev.outboxrelay.client.cycle.CycleEntry;
import dev.outboxrelay.client.cycle.CycleReader;
import dev.outboxrelay.client.cycle.CycleStep;
import dev.outboxrelay.client.cycle.UnreadableBlock;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.Position;
import dev.outboxrelay.client.record.OutboxRecord;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/**
 * Goes through the records of an outbox of the relay's own, oldest first, a few at a time: what
 * can't be read is passed over. For one thread.
 */
public final class RecordWalk {
  private final OutboxPaths paths;
  private long cycle;
  private long offset;
  private long entry;
  private boolean atEnd;

  private RecordWalk(OutboxPaths paths, long cycle, long offset, long entry) {
    this.paths = paths;
    this.cycle = cycle;
    this.offset = offset;
    this.entry = entry;
  }

  /**
   * A record and where it stands.
   *
   * @param end behind it
   * @param settledBytes the cycle's base + end − first data offset; −1 if the base is not known
   */
  public record Found(OutboxRecord record, long cycle, long end, long settledBytes) {}

  /** Begins with the first. */
  public static RecordWalk ofAll(OutboxPaths paths) {
    return new RecordWalk(paths, Long.MIN_VALUE, 0, 0);
  }

  /** Begins behind a position; with the first if that is null. */
  public static RecordWalk behind(OutboxPaths paths, Position position) {
    return position == null || position.sequence() == 0
        ? ofAll(paths)
        : new RecordWalk(
            paths, position.cycle(), position.offset(), (position.index() & 0xFFFFFFFFL) + 1);
  }

  /**
   * The next ones, as far as they are there by now.
   *
   * @param most so many records
   * @param bytes and so large, but for the last of them
   */
  public List<Found> next(int most, long bytes) throws IOException {
    List<Found> found = new ArrayList<>();
    List<Long> cycles = paths.cycles();
    UUID outbox = cycles.isEmpty() ? null : OutboxIdentity.outboxOf(paths);
    long left = bytes;
    for (int i = 0; i < cycles.size() && found.size() < most && left > 0; i++) {
      if (cycles.get(i) >= cycle) {
        left = read(cycles.get(i), outbox, i == cycles.size() - 1, most, left, found);
      }
    }
    atEnd = found.isEmpty();
    return found;
  }

  /** One that goes on where this one is. */
  public RecordWalk copy() {
    return in(paths);
  }

  /**
   * The same, by other paths.
   *
   * @param same the same outbox
   */
  public RecordWalk in(OutboxPaths same) {
    return new RecordWalk(same, cycle, offset, entry);
  }

  /** Whether the last {@link #next} has found nothing more. */
  public boolean isAtEnd() {
    return atEnd;
  }

  private long read(
      long number, UUID outbox, boolean newest, int most, long bytes, List<Found> found)
      throws IOException {
    long left = bytes;
    try (CycleReader reader = CycleReader.open(paths.cycle(number), outbox)) {
      if (number == cycle) {
        reader.startAt(offset, entry);
      }
      long base = base(reader);
      while (found.size() < most && left > 0) {
        CycleStep step = reader.next(newest);
        if (step instanceof CycleStep.Event event) {
          CycleEntry.Valid valid = event.found();
          long size = valid.next() - reader.scanner().start();
          found.add(new Found(valid.record(), number, valid.next(), base < 0 ? -1 : base + size));
          cycle = number;
          offset = valid.next();
          entry = Integer.toUnsignedLong(valid.record().entry()) + 1;
          left -= valid.record().length();
        } else if (step instanceof CycleStep.Stopped stopped) {
          throw stopped.other().refusal();
        } else if (!(step instanceof CycleStep.Damage)) {
          break;
        }
      }
    } catch (NoSuchFileException | UnreadableBlock e) {
      // deleted meanwhile, or as good as that
    }
    return left;
  }

  private static long base(CycleReader reader) throws IOException {
    return reader.scanner().at(reader.scanner().start()) instanceof CycleEntry.Valid first
            && first.record().prologue() != null
        ? first.record().prologue().base()
        : -1;
  }
}
