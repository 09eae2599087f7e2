package dev.outboxrelay.relay.control;

import dev.outboxrelay.client.EventHeader;
import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.client.record.RecordLimits;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Where an event was meant to go that was replayed to another topic, and its time if it was
 * replayed with another one, as its headers tell.
 */
public final class OriginalPlace {
  /** Headers of such an event; consumers get them. */
  static final String TOPIC = "outbox-original-topic";

  static final String PARTITION = "outbox-original-partition";

  /** The event's own time, as where brokers refuse it. */
  static final String TIMESTAMP = "outbox-timestamp";

  private static final Set<String> ALL = Set.of(TOPIC, PARTITION, TIMESTAMP);

  private OriginalPlace() {}

  /** The topic; empty if the event was not moved. */
  public static Optional<String> topicOf(OutboxRecord event) {
    return value(event, TOPIC).filter(RecordLimits::isTopicName);
  }

  /** The event as it was before it was moved; a time before 1970 is not given back. */
  public static OutboxRecord restored(OutboxRecord event) {
    List<EventHeader> headers = new ArrayList<>(event.headers());
    if (!headers.removeIf(each -> ALL.contains(each.name()))) {
      return event;
    }
    Optional<String> topic = topicOf(event);
    Integer partition =
        value(event, PARTITION)
            .filter(text -> text.matches("[0-9]{1,9}"))
            .map(Integer::valueOf)
            .orElse(null);
    return new OutboxRecord(
        event.sequence(),
        event.entry(),
        event.appendTime(),
        value(event, TIMESTAMP)
            .filter(text -> text.matches("[0-9]{1,18}"))
            .map(Long::valueOf)
            .orElse(event.timestamp()),
        event.eventId(),
        topic.orElse(event.topic()),
        event.key(),
        event.value(),
        headers,
        topic.isPresent() ? partition : event.partition(),
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
