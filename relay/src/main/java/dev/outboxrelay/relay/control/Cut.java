package dev.outboxrelay.relay.control;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.outboxrelay.client.files.DeliveryMode;
import dev.outboxrelay.client.files.Position;
import java.util.UUID;

/**
 * Up to where a parked topic's outbox is given up, as it was chosen.
 *
 * @param position behind the last of them
 * @param events how many they are
 * @param bytes size of their records
 * @param newer how many were left, as no saved position covers them yet
 */
record Cut(Position position, long events, long bytes, long newer) {
  ObjectNode json() {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("outbox", position.outboxId().toString());
    node.put("generation", position.generation());
    node.put("sequence", position.sequence());
    node.put("event_id", position.eventId().toString());
    node.put("cycle", position.cycle());
    node.put("offset", position.offset());
    node.put("index", position.index());
    node.put("settled_bytes", position.settledBytes());
    node.put("events", events);
    node.put("bytes", bytes);
    node.put("newer", newer);
    return node;
  }

  /**
   * What a file says.
   *
   * @throws IllegalArgumentException if it says anything else
   */
  static Cut of(JsonNode node) {
    Position position =
        new Position(
            node.path("generation").asLong(),
            DeliveryMode.AT_LEAST_ONCE,
            number(node, "sequence"),
            UUID.fromString(node.path("event_id").asText()),
            number(node, "cycle"),
            number(node, "offset"),
            number(node, "index"),
            node.path("settled_bytes").asLong(),
            0,
            UUID.fromString(node.path("outbox").asText()),
            0);
    return new Cut(
        position,
        node.path("events").asLong(),
        node.path("bytes").asLong(),
        node.path("newer").asLong());
  }

  private static long number(JsonNode node, String name) {
    long number = node.path(name).asLong();
    if (number < 1) {
      throw new IllegalArgumentException("it was taken up, and is not what it was then: " + name);
    }
    return number;
  }
}
