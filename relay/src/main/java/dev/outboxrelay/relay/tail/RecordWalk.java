package dev.outboxrelay.relay.tail;

import dev.outboxrelay.client.OutboxUnavailable;
import dev.outboxrelay.client.cycle.CycleEntry;
import dev.outboxrelay.client.cycle.CycleReader;
import dev.outboxrelay.client.cycle.CycleStep;
import dev.outboxrelay.client.cycle.CycleTemplate;
import dev.outboxrelay.client.cycle.FileWindow;
import dev.outboxrelay.client.cycle.UnreadableBlock;
import dev.outboxrelay.client.disk.Folder;
import dev.outboxrelay.client.disk.OwnDescriptors;
import dev.outboxrelay.client.files.DeliveryMode;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.Position;
import dev.outboxrelay.client.files.PositionFile;
import dev.outboxrelay.client.record.OutboxRecord;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * Goes through the records of an outbox of the relay's own, oldest first, a few at a time. What is
 * damaged is passed over; at a cycle that can't be read now it stops: what is in it may be there
 * later. For one thread.
 */
public final class RecordWalk {
  private final OutboxPaths paths;
  private long cycle;
  private long offset;
  private long entry;
  private long lastOffset = -1; // of the record before that, if it is known
  private End end; // null while it goes on
  private End.Stopped unread; // the first that the disk did not give, by the call that is under way

  private RecordWalk(OutboxPaths paths, long cycle, long offset, long entry) {
    this.paths = paths;
    this.cycle = cycle;
    this.offset = offset;
    this.entry = entry;
  }

  /**
   * A record and where it stands.
   *
   * @param offset of its header word
   * @param end behind it
   * @param settledBytes the cycle's base + end − first data offset; −1 if the base is not known
   */
  public record Found(OutboxRecord record, long cycle, long offset, long end, long settledBytes) {
    /**
     * The position behind it.
     *
     * @param outbox in which it stands
     * @param settledBefore bytes that the position before covers, where its own are not known
     * @param nowMillis when it is saved, milliseconds since the epoch
     */
    public Position behind(OutboxIdentity outbox, long settledBefore, long nowMillis) {
      return new Position(
          outbox.generation(),
          DeliveryMode.AT_LEAST_ONCE,
          record.sequence(),
          record.eventId(),
          cycle,
          end,
          cycle << 32 | Integer.toUnsignedLong(record.entry()),
          settledBytes < 0 ? settledBefore : settledBytes,
          nowMillis,
          outbox.outbox(),
          0);
    }
  }

  /** Why no more was found. */
  public sealed interface End {
    /** All was read: what has not come by now is lost or damaged, or was not appended yet. */
    record OfAll() implements End {}

    /**
     * What is in this cycle, from here on, can't be read now; it is not lost for that.
     *
     * @param cycle it stands before it, or before what the disk does not give of it
     * @param why for people
     */
    record Stopped(long cycle, String why) implements End {}
  }

  /** Begins with the first. */
  public static RecordWalk ofAll(OutboxPaths paths) {
    return new RecordWalk(paths, Long.MIN_VALUE, 0, 0);
  }

  /** Begins behind the position that is saved there; for who looks from outside. */
  public static RecordWalk behindSaved(OutboxPaths paths) throws IOException {
    UUID outbox = OutboxIdentity.outboxOf(paths);
    Optional<Position> saved =
        PositionFile.find(paths.position()).filter(found -> found.outboxId().equals(outbox));
    return behind(paths, saved.orElse(null));
  }

  /** Begins at a place. */
  public static RecordWalk from(OutboxPaths paths, Place place) {
    return new RecordWalk(paths, place.cycle(), place.offset(), place.entry());
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
    end = null;
    unread = null;
    for (int i = 0; i < cycles.size() && found.size() < most && left > 0 && end == null; i++) {
      if (cycles.get(i) >= cycle) {
        left = read(cycles.get(i), outbox, i == cycles.size() - 1, most, left, found);
      }
    }
    if (!found.isEmpty()) {
      end = null; // the next call comes to it again
    } else if (end == null) {
      end = unread == null ? new End.OfAll() : unread;
    }
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
    RecordWalk other = new RecordWalk(same, cycle, offset, entry);
    other.lastOffset = lastOffset;
    return other;
  }

  /** Why the last {@link #next} has found nothing; empty if it has found something. */
  public Optional<End> end() {
    return Optional.ofNullable(end);
  }

  /** Whether the disk has given all that the last {@link #next} went through. */
  public boolean isAllRead() {
    return unread == null;
  }

  /** Where it has stopped, it goes on behind that cycle. */
  public void passOver(End.Stopped at) {
    cycle = at.cycle() + 1;
    offset = 0;
    entry = 0;
    lastOffset = -1;
    end = null;
  }

  private long read(
      long number, UUID outbox, boolean newest, int most, long bytes, List<Found> found)
      throws IOException {
    long left = bytes;
    CycleStep.Stopped other = null; // of another version
    try (CycleReader reader = CycleReader.open(paths.cycle(number), outbox)) {
      if (number == cycle && (lastOffset < 0 || !reader.startBehind(lastOffset))) {
        reader.startAt(offset, entry);
      }
      long base = base(reader);
      while (found.size() < most && left > 0) {
        CycleStep step = reader.next(newest);
        if (step instanceof CycleStep.Event event) {
          CycleEntry.Valid valid = event.found();
          long size = valid.next() - reader.scanner().start();
          found.add(
              new Found(
                  valid.record(),
                  number,
                  valid.offset(),
                  valid.next(),
                  base < 0 ? -1 : base + size));
          cycle = number;
          offset = valid.next();
          lastOffset = valid.offset();
          entry = Integer.toUnsignedLong(valid.record().entry()) + 1;
          left -= valid.record().length();
        } else if (step instanceof CycleStep.Stopped stopped) {
          other = stopped;
          break;
        } else if (step instanceof CycleStep.Damage damage) {
          note(number, damage.problem(), damage.detail());
        } else {
          if (step instanceof CycleStep.Lost lost) {
            note(number, lost.problem(), lost.detail());
          }
          break;
        }
      }
    } catch (NoSuchFileException e) {
      // deleted meanwhile: by the relay once all of it was done, or by a person
    } catch (OutboxUnavailable e) {
      end = new End.Stopped(number, e.getMessage());
    } catch (FileSystemException e) {
      end = new End.Stopped(number, Folder.named(e).getMessage());
    } catch (UnreadableBlock e) {
      end = new End.Stopped(number, name(number) + ": " + e.getMessage());
    }
    if (other != null) {
      throw other.other().refusal();
    }
    return left;
  }

  private void note(long number, CycleStep.Problem problem, String detail) throws IOException {
    boolean unreadable =
        problem == CycleStep.Problem.UNREADABLE_BLOCK
            || (problem == CycleStep.Problem.UNREADABLE_HEADER && isHeaderUnreadable(number));
    if (unreadable && unread == null) {
      unread = new End.Stopped(number, name(number) + ": " + detail);
    }
  }

  /** Whether the disk does not give it, and not just something else. */
  private boolean isHeaderUnreadable(long number) throws IOException {
    try (FileWindow file = FileWindow.open(paths.cycle(number))) {
      var unused = file.slice(0, (int) Math.min(file.size(), CycleTemplate.FIRST_DATA));
      return false;
    } catch (UnreadableBlock e) {
      return true;
    }
  }

  private String name(long number) {
    return OwnDescriptors.nameOf(paths.cycle(number)).toString();
  }

  private static long base(CycleReader reader) throws IOException {
    return reader.scanner().at(reader.scanner().start()) instanceof CycleEntry.Valid first
            && first.record().prologue() != null
        ? first.record().prologue().base()
        : -1;
  }
}
