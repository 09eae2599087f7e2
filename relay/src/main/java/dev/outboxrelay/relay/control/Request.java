package dev.outboxrelay.relay.control;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.outboxrelay.client.InvalidEvent;
import dev.outboxrelay.client.record.RecordLimits;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;

/**
 * What an operator asks for.
 *
 * @param id names its files
 * @param select which dead letters; or which parked topics are to be asked for
 * @param topic the parked one; or where dead letters are replayed to, null for each one's own
 * @param upTo dead letters with a higher number are not meant
 * @param timestampNow whether replayed events get the time at which that is done
 */
public record Request(
    UUID id, Verb verb, Selection select, String topic, long upTo, boolean timestampNow) {
  static final int VERSION = 1;

  /** Of a request that a relay which knows nothing of timestamps is not to apply without. */
  private static final int WITH_TIMESTAMP = 2;

  private static final String NOW = "now";

  /** With the events' own times. */
  public Request(UUID id, Verb verb, Selection select, String topic, long upTo) {
    this(id, verb, select, topic, upTo, false);
  }

  /** With any number. */
  public Request(UUID id, Verb verb, Selection select, String topic) {
    this(id, verb, select, topic, Long.MAX_VALUE);
  }

  /** Names that could lead anywhere else are refused. */
  public Request {
    if (topic != null) {
      RecordLimits.checkTopicName(topic);
    } else if (verb.discardsParked() || (verb == Verb.RETRY_TOPIC && select.topics().isEmpty())) {
      throw new IllegalArgumentException("it names no topic");
    }
    if (verb == Verb.RETRY_TOPIC) {
      select.topics().forEach(RecordLimits::checkTopicName);
    }
  }

  /** Whether it names the last letter that is meant. */
  boolean hasUpTo() {
    return upTo != Long.MAX_VALUE;
  }

  /** All topics that it names. */
  Set<String> topics() {
    Set<String> all = new TreeSet<>(select.topics());
    if (topic != null) {
      all.add(topic);
    }
    return all;
  }

  /** The file's content. */
  public ObjectNode json() {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("version", timestampNow ? WITH_TIMESTAMP : VERSION);
    node.put("id", id.toString());
    node.put("verb", verb.label());
    node.set("select", select.json());
    node.put("topic", topic);
    node.put("up_to", hasUpTo() ? upTo : null);
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
          id,
          verb,
          Selection.of(node.path("select")),
          node.path("topic").textValue(),
          node.path("up_to").asLong(Long.MAX_VALUE),
          now);
    } catch (InvalidEvent e) {
      throw new IllegalArgumentException(e.getMessage(), e);
    }
  }
}
