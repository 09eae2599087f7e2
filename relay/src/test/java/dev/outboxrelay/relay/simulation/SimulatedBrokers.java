package dev.outboxrelay.relay.simulation;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A cluster in memory: what it has, and what is wrong with it. Events go by their numbers. */
final class SimulatedBrokers {
  String cluster = "A";
  boolean reachable = true;

  /** Partitions of the topics that there are. */
  final Map<String, Integer> topics = new HashMap<>();

  /** Topics that may not be written. */
  final Set<String> forbidden = new HashSet<>();

  /** Topics without a leader, or with too few replicas in sync: nothing is answered. */
  final Set<String> silent = new HashSet<>();

  /** Topics that refuse each record. */
  final Set<String> refusing = new HashSet<>();

  /** Events that are refused wherever they go. */
  final Set<Long> poison = new HashSet<>();

  /** All that was ever stored, in the order in which it came, whatever became of it. */
  final List<Long> log = new ArrayList<>();

  /** What the cluster of now has. */
  final Set<Long> stored = new HashSet<>();

  /** What clients learn when they fetch metadata. */
  private Map<String, Integer> told = new HashMap<>();

  private final Set<Long> ever = new HashSet<>();
  private Set<String> toldForbidden = new HashSet<>();
  private int updates;

  /** What must not come again. */
  Set<Long> settled = Set.of();

  void store(long event) {
    if (settled.contains(event)) {
      throw new AssertionError("event " + event + " comes again though its lane has settled it");
    }
    log.add(event);
    ever.add(event);
    stored.add(event);
  }

  /** What this cluster has, or one before it. */
  Set<Long> everStored() {
    return ever;
  }

  /** Metadata reach all brokers. */
  void spreadMetadata() {
    told = new HashMap<>(topics);
    toldForbidden = new HashSet<>(forbidden);
    updates++;
  }

  Map<String, Integer> told() {
    return told;
  }

  boolean isToldForbidden(String topic) {
    return toldForbidden.contains(topic);
  }

  int updates() {
    return updates;
  }

  /** Another cluster takes the place of this one, with the same topics. */
  void replace(String id) {
    cluster = id;
    stored.clear();
  }
}
