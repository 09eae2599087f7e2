package dev.outboxrelay.relay.deliver;

import dev.outboxrelay.relay.tail.Arrival;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;

/**
 * Events in the window that may not be sent yet, so that those of other topics can be: each topic's
 * in order. For one thread.
 */
final class WaitingRoom {
  /** Of thousands of topics, how many are tried in one turn. */
  private static final int MOST_TRIED = 64;

  private final Map<String, ArrayDeque<Waiting>> byTopic = new LinkedHashMap<>();

  /** An event, and its record in the window. */
  record Waiting(Arrival.Event event, InFlight record) {}

  boolean isEmpty() {
    return byTopic.isEmpty();
  }

  /** Whether events of a topic wait, so that others have to wait behind them. */
  boolean holds(String topic) {
    return byTopic.containsKey(topic);
  }

  void add(Waiting last) {
    byTopic.computeIfAbsent(last.record().topic(), any -> new ArrayDeque<>()).addLast(last);
  }

  /** The topics of which events wait. */
  Collection<String> topics() {
    return byTopic.keySet();
  }

  /**
   * Tries the events that wait, of one topic after the other.
   *
   * @param goesOn tries one; false if that waits on, and all of its topic with it
   * @param enough whether to end here
   */
  void tryAll(Predicate<Waiting> goesOn, BooleanSupplier enough) {
    int topics = Math.min(byTopic.size(), MOST_TRIED);
    for (int i = 0; i < topics && !enough.getAsBoolean(); i++) {
      Iterator<Map.Entry<String, ArrayDeque<Waiting>>> first = byTopic.entrySet().iterator();
      Map.Entry<String, ArrayDeque<Waiting>> entry = first.next();
      String topic = entry.getKey();
      ArrayDeque<Waiting> events = entry.getValue();
      while (!events.isEmpty() && !enough.getAsBoolean() && goesOn.test(events.peekFirst())) {
        events.removeFirst();
      }
      first.remove();
      if (!events.isEmpty()) {
        byTopic.put(topic, events); // behind the others
      }
    }
  }

  /** The first event of a topic waits no more. */
  void removeFirst(String topic) {
    ArrayDeque<Waiting> events = byTopic.get(topic);
    events.removeFirst();
    if (events.isEmpty()) {
      byTopic.remove(topic);
    }
  }

  void clear() {
    byTopic.clear();
  }
}
