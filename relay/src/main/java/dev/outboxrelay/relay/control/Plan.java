package dev.outboxrelay.relay.control;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
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
  private final NumberRuns numbers;
  private List<String> notFound = List.of();
  private boolean more;

  /** About none yet. */
  Plan(UUID deadLetters) {
    this(deadLetters, new NumberRuns());
  }

  private Plan(UUID deadLetters, NumberRuns numbers) {
    this.deadLetters = deadLetters;
    this.numbers = numbers;
  }

  /** Takes one more, with a higher number than all before; false if that is too many. */
  boolean add(long number) {
    if (numbers.size() >= MOST_LETTERS) {
      more = true;
      return false;
    }
    numbers.add(number, number);
    return true;
  }

  /** How many letters they are. */
  long size() {
    return numbers.size();
  }

  /** What was named and is no dead letter, or none any more. */
  List<String> notFound() {
    return notFound;
  }

  void notFound(List<String> names) {
    notFound = List.copyOf(names);
  }

  boolean contains(long number) {
    return numbers.contains(number);
  }

  boolean isOf(UUID letters) {
    return deadLetters.equals(letters);
  }

  boolean isBehind(long number) {
    return numbers.isBehind(number);
  }

  /** Whether there were more of them than one request takes. */
  boolean more() {
    return more;
  }

  void each(LongConsumer visitor) {
    numbers.each(visitor);
  }

  ObjectNode json() {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("dead_letters", deadLetters.toString());
    numbers.putInto(node.putArray("runs"));
    node.put("more", more);
    NotFound.put(node, notFound);
    return node;
  }

  /**
   * What a file says.
   *
   * @throws IllegalArgumentException if it says anything else
   */
  static Plan of(Taken taken) {
    UUID letters = UUID.fromString(taken.plan().path("dead_letters").asText());
    Plan plan = new Plan(letters, taken.letters());
    plan.more = taken.plan().path("more").asBoolean();
    plan.notFound = NotFound.of(taken.plan());
    return plan;
  }
}
