package dev.outboxrelay.relay.control;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.outboxrelay.client.record.OutboxRecord;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.function.Function;

/**
 * Which dead letters: those that all of its conditions hold for. A condition names what it allows;
 * one that names nothing allows all.
 *
 * @param topics of their events
 * @param reasons for which they were given up
 * @param ids of their events
 * @param numbers of their own
 */
public record Selection(Set<String> topics, Set<String> reasons, Set<UUID> ids, Set<Long> numbers) {
  /** In one request. */
  public static final int MOST_NAMES = 1_000;

  public static final Selection ALL = new Selection(Set.of(), Set.of(), Set.of(), Set.of());

  public Selection {
    topics = Set.copyOf(topics);
    reasons = Set.copyOf(reasons);
    ids = Set.copyOf(ids);
    numbers = Set.copyOf(numbers);
    int names = topics.size() + reasons.size() + ids.size() + numbers.size();
    if (names > MOST_NAMES) {
      throw new IllegalArgumentException(
          names + " names are too many for one request, " + MOST_NAMES + " are allowed");
    }
  }

  public boolean isAll() {
    return equals(ALL);
  }

  /**
   * Whether a letter is one of these.
   *
   * @param event that it is of, or null
   */
  public boolean matches(long number, String reason, OutboxRecord event) {
    return (numbers.isEmpty() || numbers.contains(number))
        && (reasons.isEmpty() || reasons.contains(reason))
        && (topics.isEmpty() || (event != null && topics.contains(event.topic())))
        && (ids.isEmpty() || (event != null && ids.contains(event.eventId())));
  }

  /** The last number that can be one of these, of numbers up to that. */
  long upTo(long number) {
    return numbers.isEmpty() ? number : Math.min(number, Collections.max(numbers));
  }

  ObjectNode json() {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    put(node, "topics", topics);
    put(node, "reasons", reasons);
    put(node, "ids", ids);
    ArrayNode list = node.putArray("numbers");
    numbers.stream().sorted().forEach(list::add);
    return node;
  }

  private static void put(ObjectNode node, String name, Collection<?> values) {
    ArrayNode list = node.putArray(name);
    values.stream().map(Object::toString).sorted().forEach(list::add);
  }

  /**
   * What a request says.
   *
   * @throws IllegalArgumentException if it says anything else
   */
  static Selection of(JsonNode node) {
    return new Selection(
        read(node, "topics", JsonNode::textValue),
        read(node, "reasons", JsonNode::textValue),
        read(node, "ids", id -> id.isTextual() ? UUID.fromString(id.textValue()) : null),
        read(node, "numbers", number -> number.canConvertToLong() ? number.longValue() : null));
  }

  private static <T> Set<T> read(JsonNode node, String name, Function<JsonNode, T> value) {
    JsonNode list = node.path(name);
    if (!list.isArray() || list.size() > MOST_NAMES) {
      throw new IllegalArgumentException(name + " is no list, or too long");
    }
    List<T> read = new ArrayList<>();
    for (JsonNode each : list) {
      T one = value.apply(each);
      if (one == null) {
        throw new IllegalArgumentException(name + " holds what is none: " + each.getNodeType());
      }
      read.add(one);
    }
    return new LinkedHashSet<>(read);
  }
}
