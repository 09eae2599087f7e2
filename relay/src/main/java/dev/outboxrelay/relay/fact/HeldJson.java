package dev.outboxrelay.relay.fact;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** The JSON of what is parked, wherever it is shown. */
public final class HeldJson {
  private HeldJson() {}

  /** How much of how many topics, and of which of them most. */
  public static ObjectNode of(Held held) {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("topics", held.topics());
    node.put("events", held.events());
    node.put("bytes", held.bytes());
    ArrayNode largest = node.putArray("of");
    for (Held.Topic topic : held.largest()) {
      ObjectNode of = largest.addObject();
      of.put("topic", topic.name());
      of.put("events", topic.events());
      of.put("bytes", topic.bytes());
    }
    return node;
  }
}
