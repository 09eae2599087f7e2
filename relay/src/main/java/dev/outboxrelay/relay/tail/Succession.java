package dev.outboxrelay.relay.tail;

import dev.outboxrelay.client.cycle.Batch;
import dev.outboxrelay.client.cycle.CycleEntry;
import dev.outboxrelay.client.cycle.CycleScanner;
import dev.outboxrelay.client.cycle.LastRecord;
import dev.outboxrelay.client.record.OutboxRecord;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.UUID;

/**
 * Judges the records that Chronicle reads of one cycle by those before them: it knows neither
 * sequences nor batches. For one thread.
 */
final class Succession implements Closeable {
  private final Path file;
  private final UUID outbox;
  private CycleScanner scanner; // opened when it is needed
  private LastRecord last; // null while none is known
  private boolean ordered = true; // nothing is missing behind the last
  private long withinBatchAt = -1; // here goes on what was read before
  private long wholeUpTo; // the batch that is being read is all there

  /** Begins at the cycle's first record. */
  Succession(Path file, UUID outbox) {
    this.file = file;
    this.outbox = outbox;
  }

  /** Begins behind what was read before: the record that ends here is the one to follow. */
  void startAt(long offset) throws IOException {
    CycleEntry.Valid before = scanner().lastBefore(offset).orElse(null);
    last = before == null ? null : LastRecord.of(before.record());
    ordered = before != null && before.next() == offset;
    withinBatchAt = ordered && before.record().batch() ? offset : -1;
  }

  /**
   * Whether the record is to be delivered: it follows the one before it, and its batch, if it is of
   * one, is all there (FORMAT I10). If not, what stands in its place is for salvage to say.
   */
  boolean allows(TailedRecord.Intact next) throws IOException {
    OutboxRecord record = next.record();
    boolean ofBatch = record.batch() || record.continued();
    return follows(record) && (!ofBatch || next.offset() < wholeUpTo || isOfWholeBatch(next));
  }

  private boolean follows(OutboxRecord record) {
    if (last == null) {
      return !ordered || record.entry() == 0;
    }
    return ordered ? last.isFollowedBy(record) : last.isBefore(record);
  }

  private boolean isOfWholeBatch(TailedRecord.Intact next) throws IOException {
    if (next.record().continued() && next.offset() != withinBatchAt) {
      return false;
    }
    var first = new CycleEntry.Valid(next.offset(), next.record(), next.end());
    Batch batch = Batch.from(scanner(), first);
    wholeUpTo = batch.whole() ? batch.end() : 0;
    return batch.whole();
  }

  /** Goes behind a record. */
  void accept(TailedRecord next) {
    if (next instanceof TailedRecord.Intact intact) {
      last = LastRecord.of(intact.record());
      ordered = true;
    } else {
      ordered = false;
      wholeUpTo = 0;
    }
  }

  private CycleScanner scanner() throws IOException {
    if (scanner == null) {
      scanner = CycleScanner.open(file, outbox);
    }
    return scanner;
  }

  @Override
  public void close() throws IOException {
    if (scanner != null) {
      scanner.close();
    }
  }
}
