package dev.outboxrelay.client.cycle;

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
   * A header word that cannot be followed: a hostile length, or an entry beyond the end of the
   * file.
   */
  record Hostile(long offset, int header) implements CycleEntry {}

  /** Free: nothing is published here yet. */
  record End(long offset) implements CycleEntry {}

  /** The cycle is closed: nothing follows. */
  record Eof(long offset) implements CycleEntry {}
}
