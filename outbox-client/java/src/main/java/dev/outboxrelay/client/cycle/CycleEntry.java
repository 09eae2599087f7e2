package dev.outboxrelay.client.cycle;

import dev.outboxrelay.client.OutboxUnavailable;
import dev.outboxrelay.client.record.CycleId;
import dev.outboxrelay.client.record.OtherFormatFound;
import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.client.record.RecordVerdict;

/** What stands at an offset of a cycle file. */
public sealed interface CycleEntry {

  /** Of the header word, bytes. */
  long offset();

  /** A valid record. {@code next} is the offset of the header word behind it. */
  record Valid(long offset, OutboxRecord record, long next) implements CycleEntry {}

  /**
   * A data entry of plausible length whose bytes are no valid record; the chain goes on at {@code
   * next}.
   */
  record Corrupt(long offset, int length, RecordVerdict verdict, long next) implements CycleEntry {}

  /**
   * A header word that cannot be followed: a hostile length, an entry beyond the end of the file,
   * or one that is neither data nor an index page.
   */
  record Hostile(long offset, int header) implements CycleEntry {}

  /**
   * What a version of ours wrote that this one does not read: a reader stops here, and sets nothing
   * aside (FORMAT I11).
   */
  record OtherFormat(CycleId cycle, long offset, RecordVerdict verdict) implements CycleEntry {
    /** Its name in FORMAT.md. */
    public String label() {
      return OtherFormatFound.labelOf(refusal());
    }

    public OutboxUnavailable refusal() {
      boolean former = verdict == RecordVerdict.FORMER_FORMAT;
      return OtherFormatFound.refusal(
          former,
          CycleName.of(cycle.number())
              + " holds at offset "
              + offset
              + (former
                  ? " a record of the former format: drain the outbox with the version that wrote it"
                  : " a record of a later version: upgrade to that"));
    }
  }

  /** Bytes that the disk does not give, somewhere in an entry. */
  record Unreadable(long offset) implements CycleEntry {}

  /** Free: nothing is published here yet. */
  record End(long offset) implements CycleEntry {}

  /** The cycle is closed: nothing follows. */
  record Eof(long offset) implements CycleEntry {}
}
