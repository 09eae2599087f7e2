package dev.outboxrelay.relay.park;

import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Which lanes may not save a position now, as events are being moved there that are not marked as
 * moved yet: for which request, and of which topics. Thread-safe.
 */
final class LaneHolds {
  private final Map<UUID, Set<String>> topics = new ConcurrentHashMap<>();
  private final Set<UUID> all = ConcurrentHashMap.newKeySet();

  void hold(UUID by, String topic) {
    topics.computeIfAbsent(by, any -> ConcurrentHashMap.newKeySet()).add(topic);
  }

  void holdAll(UUID by) {
    all.add(by);
  }

  /** Those of these topics only. */
  void holdOnly(UUID by, Set<String> these) {
    these.forEach(topic -> hold(by, topic));
    topics.computeIfPresent(
        by,
        (any, held) -> {
          held.retainAll(these);
          return held;
        });
    all.remove(by);
  }

  void release(UUID by) {
    all.remove(by);
    topics.remove(by);
  }

  void releaseAll() {
    all.clear();
    topics.clear();
  }

  boolean holds(String topic) {
    return !all.isEmpty()
        || (!topics.isEmpty() && topics.values().stream().anyMatch(held -> held.contains(topic)));
  }
}
