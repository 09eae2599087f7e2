package dev.outboxrelay.client.record;

import java.nio.ByteBuffer;

/** What one append writes: an event, or a batch of them. For one thread at a time. */
public sealed interface Draft permits RecordDraft, BatchDraft {

  /** How many records it has. */
  int records();

  /**
   * Length of one record on disk.
   *
   * @param record from 0
   * @param withPrologue whether the first one has it
   */
  int length(int record, boolean withPrologue);

  /** From behind the first header word to behind the last record, bytes. */
  int span(boolean withPrologue);

  /**
   * Adds what the lock tells, and frames the whole as it goes to disk: a free header word, the
   * record, 8 zero bytes; between the records of a batch are their header words. The result belongs
   * to this draft and is valid until its next use.
   *
   * @param sequence of the first record
   * @param entry of the first record
   * @param prologue only for entry 0, else null
   * @param cycle to which it goes
   * @param offset of the first header word there
   */
  ByteBuffer complete(
      long sequence, int entry, long appendTime, Prologue prologue, CycleId cycle, long offset);
}
