package dev.outboxrelay.relay.deliver;

import dev.outboxrelay.relay.deliver.route.Lanes;
import dev.outboxrelay.relay.fact.PauseReason;
import dev.outboxrelay.relay.fact.Trouble;
import dev.outboxrelay.relay.fact.Verdict;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;

/** Lanes in memory, with the part of them that survives a crash. */
final class FakeLanes implements Lanes {
  private final FakeKafka kafka;
  private final FakeDisk disk;
  private final Map<String, Lane> lanes = new HashMap<>();
  private final Set<String> wanted = new LinkedHashSet<>();
  private final Map<String, Verdict> stuck = new HashMap<>();
  private final Set<String> open = new HashSet<>();

  private final Queue<String> discarded = new ArrayDeque<>();

  /** How many may deliver at a time. */
  int most = 2;

  FakeLanes(FakeKafka kafka, FakeDisk disk) {
    this.kafka = kafka;
    this.disk = disk;
  }

  private static final class Lane {
    final List<Long> events = new ArrayList<>();
    int synced;
    int delivered;
    int saved;

    /** What was delivered when it last began to. */
    int before;
  }

  private Lane lane(String topic) {
    return lanes.computeIfAbsent(topic, any -> new Lane());
  }

  /** What the store does: adds an event, unless it counts as parked. */
  void park(InFlight record) {
    List<Long> events = lane(record.topic()).events;
    if (!events.contains(record.sequence())) {
      events.add(record.sequence());
    }
    record.done();
  }

  /** Comes before a position is saved. */
  void sync() {
    lanes.values().forEach(lane -> lane.synced = lane.events.size());
  }

  /** What was not synced is gone, and what the lanes have not saved they deliver again. */
  void crash() {
    wanted.clear();
    open.clear();
    stuck.clear();
    for (Lane lane : lanes.values()) {
      lane.delivered = lane.saved;
      int kept = Math.max(lane.synced, lane.saved);
      lane.events.subList(kept, lane.events.size()).clear();
    }
  }

  /** Some lane that has its turn delivers an event, or finds that it can't. */
  void work() {
    for (String topic : List.copyOf(wanted)) {
      if (open.size() < most) {
        open.add(topic);
      }
      Lane lane = lane(topic);
      if (open.contains(topic) && lane.delivered < lane.events.size() && kafka.reachable) {
        deliver(topic, lane);
        return;
      }
    }
  }

  private void deliver(String topic, Lane lane) {
    long sequence = lane.events.get(lane.delivered);
    boolean silent = kafka.silent.contains(topic);
    if (silent || !kafka.topics.contains(topic) || kafka.refusing.contains(topic)) {
      stuck.put(topic, new Verdict.PauseTopic(topic, PauseReason.TOPIC_MISSING, "missing"));
      return;
    }
    if (kafka.poison.contains(sequence)) {
      disk.deadLetters.putIfAbsent(sequence, 1);
    } else {
      kafka.log.add(sequence);
    }
    lane.delivered++;
  }

  /** The lanes save their positions, of what is on disk by then. */
  void save() {
    for (Lane lane : lanes.values()) {
      lane.synced = Math.max(lane.synced, lane.delivered);
      lane.saved = lane.delivered;
    }
  }

  /** All that is parked of a topic by now is given up. */
  void discard(String topic) {
    Lane lane = lane(topic);
    lane.delivered = lane.events.size();
    lane.saved = lane.events.size();
    discarded.add(topic);
  }

  /** Whether an event is parked, so that it survives a crash. */
  boolean hasSafely(String topic, long sequence) {
    Lane lane = lanes.get(topic);
    return lane != null && lane.events.subList(0, lane.synced).contains(sequence);
  }

  /** All that was ever parked of a topic. */
  List<Long> parked(String topic) {
    return lane(topic).events;
  }

  boolean areEmpty() {
    return lanes.values().stream().allMatch(lane -> lane.saved == lane.events.size());
  }

  @Override
  public boolean takeMore() {
    return true;
  }

  @Override
  public Set<String> left() {
    Set<String> left = new HashSet<>(lanes.keySet());
    left.removeIf(topic -> lane(topic).saved == lane(topic).events.size());
    return left;
  }

  @Override
  public long lastParked(String topic) {
    Lane lane = lanes.get(topic);
    return lane == null ? 0 : lane.events.stream().mapToLong(Long::longValue).max().orElse(0);
  }

  @Override
  public boolean isEmpty(String topic, long lastSequence) {
    Lane lane = lane(topic);
    return lastParked(topic) >= lastSequence && lane.saved == lane.events.size();
  }

  @Override
  public boolean hasReplays(String topic) {
    return lane(topic).saved < lane(topic).events.size();
  }

  @Override
  public void drain(String topic, Trouble barredBefore) {
    wanted.add(topic);
    lane(topic).before = lane(topic).delivered;
  }

  @Override
  public boolean hasSettled(String topic) {
    return lane(topic).delivered > lane(topic).before;
  }

  @Override
  public void close(String topic) {
    wanted.remove(topic);
    open.remove(topic);
    stuck.remove(topic);
  }

  @Override
  public String replayed() {
    return null;
  }

  @Override
  public String retried() {
    return null;
  }

  @Override
  public String discarded() {
    return discarded.poll();
  }

  @Override
  public Progress progress(String topic) {
    if (stuck.containsKey(topic)) {
      return new Progress.Stuck(stuck.get(topic));
    }
    Lane lane = lane(topic);
    return open.contains(topic)
        ? new Progress.Delivering(lane.events.size() - lane.delivered)
        : new Progress.Waiting();
  }
}
