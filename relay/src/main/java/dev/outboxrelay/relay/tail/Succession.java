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
  private final boolean fromStart;
  private CycleScanner scanner; // opened with the first batch
  private LastRecord last; // null while none is known
  private long wholeUpTo; // the batch that is being read is all there

  /**
   * Begins before a record.
   *
   * @param fromStart whether that is the cycle's first
   */
  Succession(Path file, UUID outbox, boolean fromStart) {
    this.file = file;
    this.outbox = outbox;
    this.fromStart = fromStart;
  }

  /**
   * Whether the record is to be delivered: it follows the one before it, and its batch, if it is of
   * one, is all there (FORMAT I10). If not, what stands in its place is for salvage to say.
   */
  boolean allows(TailedRecord.Intact next) throws IOException {
    OutboxRecord record = next.record();
    boolean follows = last == null ? !fromStart || record.entry() == 0 : last.isFollowedBy(record);
    boolean ofBatch = record.batch() || record.continued();
    return follows && (!ofBatch || next.offset() < wholeUpTo || isOfWholeBatch(next));
  }

  private boolean isOfWholeBatch(TailedRecord.Intact next) throws IOException {
    if (scanner == null) {
      scanner = CycleScanner.open(file, outbox);
    }
    boolean resumed = last == null && !fromStart;
    if (next.record().continued() && !(resumed && Batch.goesOnAt(scanner, next.offset()))) {
      return false;
    }
    var first = new CycleEntry.Valid(next.offset(), next.record(), next.end());
    Batch batch = Batch.from(scanner, first);
    if (batch.other() != null) {
      throw batch.other().refusal();
    }
    wholeUpTo = batch.whole() ? batch.end() : 0;
    return batch.whole();
  }

  /** Goes behind a record. */
  void accept(TailedRecord next) {
    if (next instanceof TailedRecord.Intact intact) {
      last = LastRecord.of(intact.record());
    } else if (last != null) { // exactly one record is damaged
      last = new LastRecord(last.entry() + 1, last.sequence() + 1);
    }
  }

  /** The last record; null if none is known. */
  LastRecord last() {
    return last;
  }

  @Override
  public void close() throws IOException {
    if (scanner != null) {
      scanner.close();
    }
  }
}
