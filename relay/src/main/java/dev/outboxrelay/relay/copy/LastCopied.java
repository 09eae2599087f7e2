package dev.outboxrelay.relay.copy;

import dev.outboxrelay.client.cycle.CycleEntry;
import dev.outboxrelay.client.cycle.CycleScanner;
import dev.outboxrelay.client.cycle.UnreadableBlock;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.Position;
import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.relay.deliver.InFlight;
import dev.outboxrelay.relay.tail.RecordWalk;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.List;

/**
 * Whether dead letters are those that were copied: put back from a backup, they give the same
 * numbers to others.
 */
final class LastCopied {
  private LastCopied() {}

  /**
   * Whether the letter that was copied last stands in its place, or its cycle is gone, and none
   * behind it counts as copied.
   *
   * @param copied a position of these letters, by their outbox and number
   */
  static boolean isThere(OutboxPaths letters, Position copied) throws IOException {
    if (copied.sequence() == 0) {
      return true;
    }
    try (CycleScanner scanner =
        CycleScanner.open(letters.cycle(copied.cycle()), copied.outboxId())) {
      CycleEntry.Valid last = scanner.lastBefore(copied.offset()).orElse(null);
      return last != null
          && last.next() == copied.offset()
          && isSame(last.record(), copied)
          && isNewBehind(letters, copied);
    } catch (NoSuchFileException e) {
      return isNewBehind(letters, copied); // deleted: all in it were done, or somebody did it
    } catch (FileSystemException | UnreadableBlock e) {
      return true; // whoever goes on from there meets it, and tells
    }
  }

  /** Of one that was lost or damaged no event is known; it may stand behind another one. */
  private static boolean isSame(OutboxRecord last, Position copied) {
    return copied.eventId().equals(InFlight.NO_EVENT_ID)
        ? last.sequence() <= copied.sequence()
        : last.sequence() == copied.sequence() && last.eventId().equals(copied.eventId());
  }

  private static boolean isNewBehind(OutboxPaths letters, Position copied) throws IOException {
    List<RecordWalk.Found> next = RecordWalk.behind(letters, copied).next(1, 1);
    return next.isEmpty() || next.get(0).record().sequence() > copied.sequence();
  }
}
