package dev.outboxrelay.relay.control;

import com.fasterxml.jackson.databind.node.ArrayNode;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.function.LongConsumer;

/** Numbers of dead letters, in their order, as few runs as that takes. For one thread. */
final class NumberRuns {
  private final NavigableMap<Long, Long> runs = new TreeMap<>();
  private long size;

  /**
   * Adds a run.
   *
   * @throws IllegalArgumentException if it is none, or not behind all before
   */
  void add(long first, long last) {
    if (first < 1 || last < first || !isBehind(first)) {
      throw new IllegalArgumentException(
          "it was taken up, and is not what it was then: " + first + " to " + last);
    }
    Map.Entry<Long, Long> before = runs.lastEntry();
    boolean joins = before != null && before.getValue() + 1 == first;
    runs.put(joins ? before.getKey() : first, last);
    size += last - first + 1;
  }

  /** How many numbers they are. */
  long size() {
    return size;
  }

  boolean contains(long number) {
    Map.Entry<Long, Long> run = runs.floorEntry(number);
    return run != null && number <= run.getValue();
  }

  /** Whether it is higher than all. */
  boolean isBehind(long number) {
    return runs.isEmpty() || number > runs.lastEntry().getValue();
  }

  void each(LongConsumer visitor) {
    runs.forEach(
        (first, last) -> {
          for (long number = first; number <= last; number++) {
            visitor.accept(number);
          }
        });
  }

  void putInto(ArrayNode list) {
    runs.forEach((first, last) -> list.addArray().add(first).add(last));
  }
}
