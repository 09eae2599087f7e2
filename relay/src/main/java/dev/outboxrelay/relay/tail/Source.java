package dev.outboxrelay.relay.tail;

import dev.outboxrelay.client.EventHeader;
import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.client.record.RecordCodec;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.UUID;

/**
 * Which event of the main queue a parked record is of. It stands in the record's last header; one
 * of that name before it came with the event.
 *
 * @param outbox whose event it is
 * @param generation of that outbox
 * @param sequence of the original
 * @param appendMillis when the original was appended, milliseconds since the epoch
 */
public record Source(UUID outbox, int generation, long sequence, long appendMillis) {
  public static final String HEADER = "outbox-source";

  private static final int BYTES = 40;
  private static final int GENERATION_AT = 16;
  private static final int ZERO_AT = 20;
  private static final int SEQUENCE_AT = 24;
  private static final int APPEND_TIME_AT = 32;

  /** The header to put behind those of the original. */
  public EventHeader header() {
    ByteBuffer value = ByteBuffer.allocate(BYTES).order(ByteOrder.LITTLE_ENDIAN);
    RecordCodec.putUuid(value, 0, outbox);
    value.putInt(GENERATION_AT, generation);
    value.putLong(SEQUENCE_AT, sequence);
    value.putLong(APPEND_TIME_AT, appendMillis);
    return new EventHeader(HEADER, value.array());
  }

  /** What a record's last header says; null if it has none, or that is no valid source. */
  public static Source of(OutboxRecord parked) {
    List<EventHeader> headers = parked.headers();
    EventHeader last = headers.isEmpty() ? null : headers.get(headers.size() - 1);
    if (last == null
        || !last.name().equals(HEADER)
        || last.value() == null
        || last.value().length != BYTES) {
      return null;
    }
    ByteBuffer value = ByteBuffer.wrap(last.value()).order(ByteOrder.LITTLE_ENDIAN);
    if (value.getInt(ZERO_AT) != 0 || value.getLong(SEQUENCE_AT) < 1) {
      return null;
    }
    return new Source(
        RecordCodec.uuid(value, 0),
        value.getInt(GENERATION_AT),
        value.getLong(SEQUENCE_AT),
        value.getLong(APPEND_TIME_AT));
  }
}
