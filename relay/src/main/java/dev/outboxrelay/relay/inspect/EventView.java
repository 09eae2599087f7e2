package dev.outboxrelay.relay.inspect;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.outboxrelay.client.EventHeader;
import dev.outboxrelay.client.record.OutboxRecord;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * How records are shown. Values, and those of headers, are shown only on request: they may be
 * confidential.
 *
 * @param withValues whether they were asked for
 */
public record EventView(boolean withValues) {

  /** Pairs for one line of text. */
  public Map<String, Object> pairs(OutboxRecord record) {
    Map<String, Object> pairs = new LinkedHashMap<>();
    pairs.put("sequence", record.sequence());
    pairs.put("appended", Instant.ofEpochMilli(record.appendTime()));
    if (record.timestamp() != record.appendTime()) {
      pairs.put("timestamp", Instant.ofEpochMilli(record.timestamp()));
    }
    pairs.put("event_id", record.eventId());
    pairs.put("topic", record.topic());
    if (record.partition() != null) {
      pairs.put("partition", record.partition());
    }
    if (record.batch()) {
      pairs.put("batch", true);
    }
    if (record.continued()) {
      pairs.put("continued", true);
    }
    if (record.key() != null) {
      pairs.put("key", Bytes.shown(record.key()));
    }
    if (!record.headers().isEmpty()) {
      pairs.put(
          "headers", record.headers().stream().map(this::shown).collect(Collectors.joining(",")));
    }
    if (record.value() == null) {
      pairs.put("value", "null");
    } else {
      pairs.put("value_bytes", record.value().length);
      if (withValues) {
        pairs.put("value", Bytes.shown(record.value()));
      }
    }
    return pairs;
  }

  /** The same for scripts; times in milliseconds since the epoch. */
  public ObjectNode json(OutboxRecord record) {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("sequence", record.sequence());
    node.put("appended", record.appendTime());
    node.put("timestamp", record.timestamp());
    node.put("event_id", record.eventId().toString());
    node.put("topic", record.topic());
    if (record.partition() != null) {
      node.put("partition", record.partition());
    }
    if (record.batch()) {
      node.put("batch", true);
    }
    if (record.continued()) {
      node.put("continued", true);
    }
    Bytes.put(node, "key", record.key());
    for (EventHeader header : record.headers()) {
      ObjectNode shown = node.withArray("/headers").addObject().put("name", header.name());
      if (withValues) {
        Bytes.put(shown, "value", header.value());
      }
    }
    if (record.value() == null) {
      node.putNull("value_bytes");
    } else {
      node.put("value_bytes", record.value().length);
    }
    if (withValues) {
      Bytes.put(node, "value", record.value());
    }
    return node;
  }

  private String shown(EventHeader header) {
    if (!withValues) {
      return header.name();
    }
    return header.name() + ":" + (header.value() == null ? "null" : Bytes.shown(header.value()));
  }
}
