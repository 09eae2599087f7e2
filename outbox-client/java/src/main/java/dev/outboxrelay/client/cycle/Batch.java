package dev.outboxrelay.client.cycle;

import java.io.IOException;

/**
 * The records of a batch from one of them on, as far as they are there. A batch is delivered whole
 * or not at all (FORMAT I10).
 *
 * @param whole whether the last of them is the batch's last
 * @param last the last of them
 * @param end behind that, where the next header word stands
 * @param other what another version wrote and stands there; null if it is not that
 */
public record Batch(boolean whole, LastRecord last, long end, CycleEntry.OtherFormat other) {

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
        return broken(last, other);
      }
      // What stands between the two, an index page for example, ends the batch.
      if (!(at instanceof CycleEntry.Valid next)
          || next.offset() != last.next()
          || !next.record().continued()
          || !LastRecord.of(last.record()).isFollowedBy(next.record())) {
        return broken(last, null);
      }
      last = next;
    }
    return new Batch(true, LastRecord.of(last.record()), last.next(), null);
  }

  private static Batch broken(CycleEntry.Valid last, CycleEntry.OtherFormat other) {
    return new Batch(false, LastRecord.of(last.record()), last.next(), other);
  }
}
