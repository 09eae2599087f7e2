package dev.outboxrelay.client.record;

import dev.outboxrelay.client.EventTooLarge;
import dev.outboxrelay.client.InvalidEvent;
import dev.outboxrelay.client.OutboxEvent;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/**
 * Checks events that are to be there all or not at all, and builds their records (FORMAT I10). For
 * one append.
 */
public final class BatchDraft implements Draft {
  private static final int HEADER_WORD_BYTES = 4;
  private static final int ZEROS_BEHIND = 8;

  private final List<RecordDraft> records = new ArrayList<>();

  /**
   * Checks and encodes all that needs no lock.
   *
   * @param events one or more
   * @param ids of the events
   */
  public BatchDraft(RecordLimits limits, List<OutboxEvent> events, List<UUID> ids) {
    if (events.size() > RecordLimits.MAX_BATCH_RECORDS) {
      throw new EventTooLarge(
          "the batch has "
              + events.size()
              + " events, at most "
              + RecordLimits.MAX_BATCH_RECORDS
              + " are allowed: append it in parts");
    }
    long bytes = 0;
    for (int i = 0; i < events.size(); i++) {
      RecordDraft record = new RecordDraft(limits, i > 0, i < events.size() - 1);
      prepare(record, events, i, ids.get(i));
      records.add(record);
      bytes += HEADER_WORD_BYTES + record.length(0, i == 0);
      if (bytes > RecordLimits.MAX_BATCH_BYTES) {
        throw new EventTooLarge(
            "the batch takes more than "
                + RecordLimits.MAX_BATCH_BYTES
                + " bytes with event "
                + (i + 1)
                + " of "
                + events.size()
                + ": append it in parts");
      }
    }
  }

  /** A refusal names the event. */
  private static void prepare(RecordDraft record, List<OutboxEvent> events, int index, UUID id) {
    String which = "event " + (index + 1) + " of " + events.size() + ": ";
    try {
      record.prepare(events.get(index), id);
    } catch (EventTooLarge e) {
      throw new EventTooLarge(which + e.getMessage(), e);
    } catch (InvalidEvent e) {
      throw new InvalidEvent(which + e.getMessage(), e);
    }
  }

  @Override
  public int records() {
    return records.size();
  }

  @Override
  public int length(int record, boolean withPrologue) {
    return records.get(record).length(0, withPrologue && record == 0);
  }

  @Override
  public int span(boolean withPrologue) {
    int bytes = -HEADER_WORD_BYTES;
    for (int i = 0; i < records.size(); i++) {
      bytes += HEADER_WORD_BYTES + length(i, withPrologue);
    }
    return bytes;
  }

  @Override
  public ByteBuffer complete(
      long sequence, int entry, long appendTime, Prologue prologue, CycleId cycle, long offset) {
    int span = span(prologue != null);
    ByteBuffer frame =
        ByteBuffer.allocateDirect(HEADER_WORD_BYTES + span + ZEROS_BEHIND)
            .order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < records.size(); i++) {
      Prologue own = i == 0 ? prologue : null;
      int length = length(i, own != null);
      int at = frame.position();
      ByteBuffer record =
          records.get(i).complete(sequence + i, entry + i, appendTime, own, cycle, offset + at);
      frame.put(record.limit(record.position() + HEADER_WORD_BYTES + length));
      if (i > 0) {
        frame.putInt(at, length); // the first one publishes all (FORMAT I1)
      }
    }
    return frame.clear();
  }
}
