package dev.outboxrelay.relay.control;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.outboxrelay.client.InvalidEvent;
import dev.outboxrelay.client.record.RecordLimits;
import java.util.UUID;

/**
 * What an operator asks for.
 *
 * @param id names its files
 * @param select which dead letters
 * @param topic the parked one; or where dead letters are replayed to, null for each one's own
 */
public record Request(UUID id, Verb verb, Selection select, String topic) {
  static final int VERSION = 1;

  /** Names that could lead anywhere else are refused. */
  public Request {
    if (topic != null) {
      RecordLimits.checkTopicName(topic);
    } else if (verb == Verb.RETRY_TOPIC || verb.discardsParked()) {
      throw new IllegalArgumentException("it names no topic");
    }
  }

  /** The file's content. */
  public ObjectNode json() {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("version", VERSION);
    node.put("id", id.toString());
    node.put("verb", verb.label());
    node.set("select", select.json());
    node.put("topic", topic);
    return node;
  }

  /**
   * What a file says.
   *
   * @param id that its name says
   * @throws IllegalArgumentException if it says anything else, with the reason
   */
  static Request of(UUID id, JsonNode node) {
    if (node.path("version").intValue() != VERSION) {
      throw new IllegalArgumentException("it is of another version than " + VERSION);
    }
    if (!node.path("id").asText().equals(id.toString())) {
      throw new IllegalArgumentException("its id is not that in its name");
    }
    Verb verb =
        Verb.of(node.path("verb").asText())
            .orElseThrow(() -> new IllegalArgumentException("its verb is not known"));
    try {
      return new Request(
          id, verb, Selection.of(node.path("select")), node.path("topic").textValue());
    } catch (InvalidEvent e) {
      throw new IllegalArgumentException(e.getMessage(), e);
    }
  }
}
