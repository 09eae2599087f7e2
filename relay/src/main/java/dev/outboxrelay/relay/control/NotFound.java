package dev.outboxrelay.relay.control;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/** What a request names and is not there, as plans and answers tell it. */
final class NotFound {
  private static final String NAME = "not_found";

  private NotFound() {}

  static void put(ObjectNode node, Collection<String> names) {
    names.forEach(node.putArray(NAME)::add);
  }

  /** What a file says; one of an earlier version says nothing. */
  static List<String> of(JsonNode node) {
    List<String> names = new ArrayList<>();
    node.path(NAME).forEach(name -> names.add(name.asText()));
    return names;
  }

  /** For the log, in which thousands of names are of no use. */
  static ObjectNode counted(ObjectNode answer) {
    ObjectNode counted = answer.deepCopy();
    if (answer.has(NAME)) {
      counted.put(NAME, answer.path(NAME).size());
    }
    return counted;
  }
}
