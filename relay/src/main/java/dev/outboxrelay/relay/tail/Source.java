package dev.outboxrelay.relay.tail;

import dev.outboxrelay.client.EventHeader;
import dev.outboxrelay.client.files.OutboxIdentity;
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
 * @param letter the dead letter that is sent once more by it; null if it was parked
 */
public record Source(UUID outbox, int generation, long sequence, long appendMillis, Letter letter) {
  public static final String HEADER = "outbox-source";

  private static final UUID NOBODY = new UUID(0, 0);
  private static final int BYTES = 40;
  private static final int REPLAY_BYTES = 64;
  private static final int GENERATION_AT = 16;
  private static final int ROUND_AT = 20;
  private static final int SEQUENCE_AT = 24;
  private static final int APPEND_TIME_AT = 32;
  private static final int LETTER_AT = 40;
  private static final int DEAD_LETTERS_AT = 48;

  /**
   * A dead letter.
   *
   * @param deadLetters id of the outbox {@code dead-letters/} that it is in
   * @param number of it there
   * @param round how often its event was replayed with that, from 1
   */
  public record Letter(UUID deadLetters, long number, int round) {
    /** For the first time. */
    public Letter(UUID deadLetters, long number) {
      this(deadLetters, number, 1);
    }
  }

  /** Of an event that is parked. */
  public Source(UUID outbox, int generation, long sequence, long appendMillis) {
    this(outbox, generation, sequence, appendMillis, null);
  }

  /** The same event, sent once more by a dead letter. */
  public Source replayedBy(Letter by) {
    return new Source(outbox, generation, sequence, appendMillis, by);
  }

  /** The same of no outbox, where that has lost it: another event may get its sequence. */
  public Source ofNobody() {
    return new Source(NOBODY, generation, sequence, appendMillis, letter);
  }

  /** Whether its outbox has lost it. */
  public boolean isOfNobody() {
    return outbox.equals(NOBODY);
  }

  /** Whether it was given up before, and not just parked: it has no place in the topic's order. */
  public boolean isReplay() {
    return letter != null;
  }

  /** Whether it is an event of that outbox as it is now, and not of one that was there before. */
  public boolean isOf(OutboxIdentity identity) {
    return outbox.equals(identity.outbox()) && generation == identity.generation();
  }

  /** The header to put behind those of the original. */
  public EventHeader header() {
    ByteBuffer value =
        ByteBuffer.allocate(isReplay() ? REPLAY_BYTES : BYTES).order(ByteOrder.LITTLE_ENDIAN);
    RecordCodec.putUuid(value, 0, outbox);
    value.putInt(GENERATION_AT, generation);
    value.putLong(SEQUENCE_AT, sequence);
    value.putLong(APPEND_TIME_AT, appendMillis);
    if (isReplay()) {
      value.putInt(ROUND_AT, letter.round());
      value.putLong(LETTER_AT, letter.number());
      RecordCodec.putUuid(value, DEAD_LETTERS_AT, letter.deadLetters());
    }
    return new EventHeader(HEADER, value.array());
  }

  /** What a record's last header says; null if it has none, or that is no valid source. */
  public static Source of(OutboxRecord parked) {
    List<EventHeader> headers = parked.headers();
    EventHeader last = headers.isEmpty() ? null : headers.get(headers.size() - 1);
    if (last == null || !last.name().equals(HEADER) || last.value() == null) {
      return null;
    }
    int length = last.value().length;
    if (length != BYTES && length != REPLAY_BYTES) {
      return null;
    }
    ByteBuffer value = ByteBuffer.wrap(last.value()).order(ByteOrder.LITTLE_ENDIAN);
    boolean replay = length == REPLAY_BYTES;
    int round = value.getInt(ROUND_AT);
    if ((replay ? round < 1 : round != 0)
        || value.getLong(SEQUENCE_AT) < 1
        || (replay && value.getLong(LETTER_AT) < 1)) {
      return null;
    }
    return new Source(
        RecordCodec.uuid(value, 0),
        value.getInt(GENERATION_AT),
        value.getLong(SEQUENCE_AT),
        value.getLong(APPEND_TIME_AT),
        replay
            ? new Letter(RecordCodec.uuid(value, DEAD_LETTERS_AT), value.getLong(LETTER_AT), round)
            : null);
  }

  /** An event as it was appended, whether it was parked meanwhile or not. */
  public static OutboxRecord asAppended(OutboxRecord record) {
    Source source = of(record);
    if (source == null) {
      return record;
    }
    return new OutboxRecord(
        source.sequence(),
        record.entry(),
        source.appendMillis(),
        record.timestamp(),
        record.eventId(),
        record.topic(),
        record.key(),
        record.value(),
        record.headers().subList(0, record.headers().size() - 1),
        record.partition(),
        record.batch(),
        record.continued(),
        record.prologue(),
        record.length());
  }
}
