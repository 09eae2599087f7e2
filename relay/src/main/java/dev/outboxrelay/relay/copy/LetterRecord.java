package dev.outboxrelay.relay.copy;

import dev.outboxrelay.client.EventHeader;
import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.relay.deadletter.DeadLetters;
import dev.outboxrelay.relay.deadletter.Letter;
import dev.outboxrelay.relay.tail.Source;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What of a dead letter goes to the topic: its event, with headers that say why it is there. */
final class LetterRecord {
  static final String TOPIC = "outbox-dead-letter-topic";
  static final String NUMBER = "outbox-dead-letter-number";

  /** As Kafka Connect names them: tools that show its dead letters know them. */
  static final String CONNECT_TOPIC = "__connect.errors.topic";

  static final String CONNECT_MESSAGE = "__connect.errors.exception.message";

  private LetterRecord() {}

  /**
   * The record to send. It is of the time at which the event was given up: the topic's retention
   * counts from then. A partition that the event named was one of its own topic.
   *
   * @return empty if the event's bytes are damaged
   */
  static Optional<OutboxRecord> of(OutboxRecord kept, String topic) {
    Letter letter = Letter.of(kept);
    return letter
        .event()
        .map(
            event ->
                new OutboxRecord(
                    kept.sequence(),
                    kept.entry(),
                    kept.appendTime(),
                    kept.appendTime(),
                    event.eventId(),
                    topic,
                    event.key(),
                    event.value(),
                    headers(kept, letter, event),
                    null,
                    false,
                    false,
                    null,
                    kept.length()));
  }

  private static List<EventHeader> headers(OutboxRecord kept, Letter letter, OutboxRecord event) {
    List<EventHeader> headers = new ArrayList<>(event.headers());
    headers.add(header(TOPIC, event.topic()));
    headers.add(header(NUMBER, Long.toString(letter.number())));
    headers.add(header(DeadLetters.REASON, letter.reason()));
    Optional<byte[]> error = value(kept, DeadLetters.ERROR);
    error.ifPresent(text -> headers.add(new EventHeader(DeadLetters.ERROR, text)));
    value(kept, DeadLetters.AT)
        .ifPresent(time -> headers.add(new EventHeader(DeadLetters.AT, time)));
    letter.source().ifPresent(source -> addSource(headers, source));
    headers.add(header(CONNECT_TOPIC, event.topic()));
    error.ifPresent(text -> headers.add(new EventHeader(CONNECT_MESSAGE, text)));
    return headers;
  }

  /** As the receipt of its append says it, also where it was parked or replayed meanwhile. */
  private static void addSource(List<EventHeader> headers, Source source) {
    headers.add(header(DeadLetters.SEQUENCE, Long.toString(source.sequence())));
    headers.add(header(DeadLetters.OUTBOX, source.outbox().toString()));
    headers.add(header(DeadLetters.GENERATION, Integer.toString(source.generation())));
  }

  private static Optional<byte[]> value(OutboxRecord kept, String name) {
    return kept.headers().stream()
        .filter(header -> header.name().equals(name) && header.value() != null)
        .map(EventHeader::value)
        .findFirst();
  }

  private static EventHeader header(String name, String value) {
    return new EventHeader(name, value.getBytes(StandardCharsets.UTF_8));
  }
}
