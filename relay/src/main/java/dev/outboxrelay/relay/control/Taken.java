package dev.outboxrelay.relay.control;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;

/**
 * What the file of a request says that was taken up.
 *
 * @param request itself
 * @param plan what was written down, but for the numbers of letters
 * @param letters these
 */
record Taken(JsonNode request, JsonNode plan, NumberRuns letters) {
  /**
   * Reads it.
   *
   * @throws IllegalArgumentException if it can be none
   */
  static Taken read(BoundedJson json) throws IOException {
    ObjectNode found = JsonNodeFactory.instance.objectNode();
    ObjectNode plan = JsonNodeFactory.instance.objectNode();
    NumberRuns letters = new NumberRuns();
    json.object(
        part -> {
          if (part.equals("plan")) {
            json.object(field -> plan(json, field, plan, letters));
          } else {
            found.set(part, json.value());
          }
        });
    return new Taken(found.path("request"), plan, letters);
  }

  private static void plan(BoundedJson json, String field, ObjectNode plan, NumberRuns letters)
      throws IOException {
    if (!field.equals("runs")) {
      plan.set(field, json.value());
      return;
    }
    json.pairs(
        (first, last) -> {
          letters.add(first, last);
          if (letters.size() > Plan.MOST_LETTERS) {
            throw new IllegalArgumentException("it is about more letters than a request may be");
          }
        });
  }
}
