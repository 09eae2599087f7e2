package dev.outboxrelay.relay.inspect;

import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.record.CycleId;
import dev.outboxrelay.client.record.RecordDraft;
import dev.outboxrelay.client.record.RecordLimits;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.UUID;
import java.util.zip.CRC32;

/** Records that no writer of ours would write. */
public final class Records {
  private static final int CRC_AT = 4;
  private static final int SIGNED_FROM = 8;
  private static final int BODY_AT = 72;
  private static final int PLACE_BYTES = 32;

  private Records() {}

  /** Gives a record, from its magic to its end, the CRC for a place: of its header word. */
  public static void sign(ByteBuffer record, CycleId cycle, long offset) {
    ByteBuffer place = ByteBuffer.allocate(PLACE_BYTES);
    place.putLong(cycle.outbox().getMostSignificantBits());
    place.putLong(cycle.outbox().getLeastSignificantBits());
    place.order(ByteOrder.LITTLE_ENDIAN).putLong(cycle.number()).putLong(offset);
    sign(record, place.flip());
  }

  /** The same as if a record had no place. */
  public static void signUnbound(ByteBuffer record) {
    sign(record, ByteBuffer.allocate(0));
  }

  private static void sign(ByteBuffer record, ByteBuffer place) {
    CRC32 crc = new CRC32();
    crc.update(record.slice(BODY_AT, record.limit() - BODY_AT));
    crc.update(record.slice(SIGNED_FROM, BODY_AT - SIGNED_FROM));
    crc.update(place);
    record.order(ByteOrder.LITTLE_ENDIAN).putInt(CRC_AT, (int) crc.getValue());
  }

  /** An entry, header word first, as it would stand at a place. */
  public static ByteBuffer entry(
      OutboxEvent event, long sequence, int entry, CycleId cycle, long offset) {
    RecordDraft draft = new RecordDraft(RecordLimits.EVENTS);
    draft.prepare(event, new UUID(0, sequence));
    ByteBuffer framed = draft.complete(sequence, entry, 1_000_000, null, cycle, offset);
    int length = draft.length(0, false);
    ByteBuffer bytes = ByteBuffer.allocate(4 + length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.put(0, framed, framed.position(), 4 + length);
    return bytes.putInt(0, length);
  }
}
