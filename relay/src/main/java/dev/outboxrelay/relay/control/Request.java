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
 * @param timestampNow whether replayed events get the time at which that is done
 */
public record Request(UUID id, Verb verb, Selection select, String topic, boolean timestampNow) {
  static final int VERSION = 1;

  /** Of a request that a relay which knows nothing of timestamps is not to apply without. */
  private static final int WITH_TIMESTAMP = 2;

  private static final String NOW = "now";

  /** Where timestamps stay as they are. */
  public Request(UUID id, Verb verb, Selection select, String topic) {
    this(id, verb, select, topic, false);
  }

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
    node.put("version", timestampNow ? WITH_TIMESTAMP : VERSION);
    node.put("id", id.toString());
    node.put("verb", verb.label());
    node.set("select", select.json());
    node.put("topic", topic);
    if (timestampNow) {
      node.put("timestamp", NOW);
    }
    return node;
  }

  /**
   * What a file says.
   *
   * @param id that its name says
   * @throws IllegalArgumentException if it says anything else, with the reason
   */
  static Request of(UUID id, JsonNode node) {
    int version = node.path("version").intValue();
    if (version != VERSION && version != WITH_TIMESTAMP) {
      throw new IllegalArgumentException(
          "it is of another version than " + VERSION + " and " + WITH_TIMESTAMP);
    }
    boolean now = node.path("timestamp").asText().equals(NOW);
    if (now != (version == WITH_TIMESTAMP)) {
      throw new IllegalArgumentException("its timestamp is not known");
    }
    if (!node.path("id").asText().equals(id.toString())) {
      throw new IllegalArgumentException("its id is not that in its name");
    }
    Verb verb =
        Verb.of(node.path("verb").asText())
            .orElseThrow(() -> new IllegalArgumentException("its verb is not known"));
    try {
      return new Request(
          id, verb, Selection.of(node.path("select")), node.path("topic").textValue(), now);
    } catch (InvalidEvent e) {
      throw new IllegalArgumentException(e.getMessage(), e);
    }
  }
}
