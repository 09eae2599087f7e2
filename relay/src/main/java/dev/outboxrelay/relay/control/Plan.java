package dev.outboxrelay.relay.control;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.UUID;
import java.util.function.LongConsumer;

/**
 * The dead letters that a request is about. None of them was touched before it was written down, so
 * whatever was done of them since, it was for this request.
 */
final class Plan {
  /** In one request; the file stays small. */
  static final int MOST_LETTERS = 100_000;

  private final UUID deadLetters;
  private final NavigableMap<Long, Long> runs = new TreeMap<>();
  private int size;
  private boolean more;

  /** About none yet. */
  Plan(UUID deadLetters) {
    this.deadLetters = deadLetters;
  }

  /** Takes one more, with a higher number than all before; false if that is too many. */
  boolean add(long number) {
    if (size == MOST_LETTERS) {
      more = true;
      return false;
    }
    Map.Entry<Long, Long> last = runs.lastEntry();
    if (last != null && last.getValue() + 1 == number) {
      runs.put(last.getKey(), number);
    } else {
      runs.put(number, number);
    }
    size++;
    return true;
  }

  boolean contains(long number) {
    Map.Entry<Long, Long> run = runs.floorEntry(number);
    return run != null && number <= run.getValue();
  }

  boolean isOf(UUID letters) {
    return deadLetters.equals(letters);
  }

  boolean isBehind(long number) {
    return runs.isEmpty() || number > runs.lastEntry().getValue();
  }

  /** Whether there were more of them than one request takes. */
  boolean more() {
    return more;
  }

  void each(LongConsumer visitor) {
    runs.forEach(
        (first, last) -> {
          for (long number = first; number <= last; number++) {
            visitor.accept(number);
          }
        });
  }

  ObjectNode json() {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("dead_letters", deadLetters.toString());
    ArrayNode list = node.putArray("runs");
    runs.forEach((first, last) -> list.addArray().add(first).add(last));
    node.put("more", more);
    return node;
  }

  /**
   * What a file says.
   *
   * @throws IllegalArgumentException if it says anything else
   */
  static Plan of(JsonNode node) {
    Plan plan = new Plan(UUID.fromString(node.path("dead_letters").asText()));
    for (JsonNode run : node.path("runs")) {
      long first = run.path(0).asLong();
      long last = run.path(1).asLong();
      if (first < 1 || last < first || !plan.isBehind(first) || last - first >= MOST_LETTERS) {
        throw new IllegalArgumentException("it was taken up, and is not what it was then");
      }
      for (long number = first; number <= last; number++) {
        plan.add(number);
      }
    }
    plan.more |= node.path("more").asBoolean();
    return plan;
  }
}
