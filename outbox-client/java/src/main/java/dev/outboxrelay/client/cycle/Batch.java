package dev.outboxrelay.client.cycle;

import dev.outboxrelay.client.record.RecordLimits;
import java.io.IOException;

/**
 * The records of a batch from one of them on, as far as they are there. A batch is delivered whole
 * or not at all (FORMAT I10).
 *
 * @param whole whether the last of them is the batch's last
 * @param end behind the last of them, where the next header word stands
 * @param other what another version wrote and stands there; null if it is not that
 */
public record Batch(boolean whole, long end, CycleEntry.OtherFormat other) {

  /**
   * Follows a batch.
   *
   * @param first a record of it; the one with which it begins, or one of which it is known that all
   *     before it are there
   */
  public static Batch from(CycleScanner scanner, CycleEntry.Valid first) throws IOException {
    CycleEntry.Valid last = first;
    while (last.record().batch()) {
      CycleEntry at = scanner.at(last.next());
      if (at instanceof CycleEntry.OtherFormat other) {
        return new Batch(false, last.next(), other);
      }
      // What stands between the two, an index page for example, ends the batch.
      if (!(at instanceof CycleEntry.Valid next)
          || next.offset() != last.next()
          || !next.record().continued()
          || !LastRecord.of(last.record()).isFollowedBy(next.record())) {
        return new Batch(false, last.next(), null);
      }
      last = next;
    }
    return new Batch(true, last.next(), null);
  }

  /**
   * Whether a reader that begins at this header word is within a batch, of which it has delivered
   * what is before.
   */
  public static boolean goesOnAt(CycleScanner scanner, long offset) throws IOException {
    long longest = RecordLimits.LONGEST_ENTRY + 4L;
    CycleEntry.Valid found =
        scanner.findRecord(Math.max(scanner.start(), offset - longest), null).orElse(null);
    while (found != null && found.next() < offset) {
      found = scanner.findRecord(found.next(), null).orElse(null);
    }
    return found != null && found.next() == offset && found.record().batch();
  }
}
