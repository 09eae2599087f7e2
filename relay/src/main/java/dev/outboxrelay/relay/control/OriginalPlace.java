package dev.outboxrelay.relay.control;

import dev.outboxrelay.client.EventHeader;
import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.client.record.RecordLimits;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Where an event was meant to go that was replayed to another topic, as its headers tell. */
public final class OriginalPlace {
  /** Headers of such an event; consumers get them. */
  static final String TOPIC = "outbox-original-topic";

  static final String PARTITION = "outbox-original-partition";

  private OriginalPlace() {}

  /** The topic; empty if the event was not moved. */
  public static Optional<String> topicOf(OutboxRecord event) {
    return value(event, TOPIC).filter(RecordLimits::isTopicName);
  }

  /** The event as it was before it was moved. */
  public static OutboxRecord restored(OutboxRecord event) {
    String topic = topicOf(event).orElse(null);
    if (topic == null) {
      return event;
    }
    List<EventHeader> headers = new ArrayList<>(event.headers());
    headers.removeIf(each -> each.name().equals(TOPIC) || each.name().equals(PARTITION));
    Integer partition =
        value(event, PARTITION)
            .filter(text -> text.matches("[0-9]{1,9}"))
            .map(Integer::valueOf)
            .orElse(null);
    return new OutboxRecord(
        event.sequence(),
        event.entry(),
        event.appendTime(),
        event.timestamp(),
        event.eventId(),
        topic,
        event.key(),
        event.value(),
        headers,
        partition,
        event.batch(),
        event.continued(),
        event.prologue(),
        event.length());
  }

  private static Optional<String> value(OutboxRecord event, String name) {
    return event.headers().stream()
        .filter(header -> header.name().equals(name) && header.value() != null)
        .map(header -> new String(header.value(), StandardCharsets.UTF_8))
        .findFirst();
  }
}
