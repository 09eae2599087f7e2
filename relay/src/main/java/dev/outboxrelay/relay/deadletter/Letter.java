package dev.outboxrelay.relay.deadletter;

import dev.outboxrelay.client.EventHeader;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.client.record.RecordCodec;
import dev.outboxrelay.relay.tail.Source;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.UUID;

/**
 * A dead letter, and the event that it is of.
 *
 * @param number of it, from 1
 * @param reason a stable name
 * @param kept what the outbox held that gave it up; empty if its bytes are damaged
 * @param gaveUp which outbox that is; empty if it does not say
 */
public record Letter(
    long number, String reason, Optional<OutboxRecord> kept, Optional<OutboxIdentity> gaveUp) {

  /** Of one that tells none. */
  public static final String UNKNOWN_REASON = "unknown";

  /** What a record of {@code dead-letters/} is. */
  public static Letter of(OutboxRecord record) {
    return new Letter(
        record.sequence(),
        header(record, DeadLetters.REASON).orElse(UNKNOWN_REASON),
        kept(record.value()),
        identity(record));
  }

  private static Optional<OutboxRecord> kept(byte[] value) {
    ByteBuffer bytes =
        ByteBuffer.wrap(value == null ? new byte[0] : value).order(ByteOrder.LITTLE_ENDIAN);
    return RecordCodec.checkCopy(bytes).isValid()
        ? Optional.of(RecordCodec.decode(bytes))
        : Optional.empty();
  }

  private static Optional<OutboxIdentity> identity(OutboxRecord record) {
    try {
      Optional<UUID> outbox = header(record, DeadLetters.OUTBOX).map(UUID::fromString);
      Optional<Integer> generation = header(record, DeadLetters.GENERATION).map(Integer::valueOf);
      return outbox.isPresent() && generation.isPresent()
          ? Optional.of(new OutboxIdentity(outbox.get(), generation.get()))
          : Optional.empty();
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  private static Optional<String> header(OutboxRecord record, String name) {
    return record.headers().stream()
        .filter(header -> header.name().equals(name) && header.value() != null)
        .map(EventHeader::value)
        .map(value -> new String(value, StandardCharsets.UTF_8))
        .findFirst();
  }

  /** Which event of which main outbox it is; empty if it does not say. */
  public Optional<Source> source() {
    if (kept.isEmpty()) {
      return Optional.empty();
    }
    OutboxRecord record = kept.get();
    Source parked = Source.of(record);
    if (parked != null) {
      return Optional.of(parked);
    }
    return gaveUp.map(
        outbox ->
            new Source(
                outbox.outbox(), outbox.generation(), record.sequence(), record.appendTime()));
  }

  /**
   * The dead letter as which an event was replayed last.
   *
   * @param number of it
   * @param round how often the event was replayed by then
   */
  public record Before(long number, int round) {}

  /** As which dead letter its event was replayed; empty if it was not. */
  public Optional<Before> before() {
    return source().map(Source::letter).map(letter -> new Before(letter.number(), letter.round()));
  }

  /** The event as it was appended, whether it was parked meanwhile or not. */
  public Optional<OutboxRecord> event() {
    return kept.map(Source::asAppended);
  }
}
