package dev.outboxrelay.relay.pipeline;

import dev.outboxrelay.relay.deliver.InFlight;
import dev.outboxrelay.relay.fact.Held;
import dev.outboxrelay.relay.settle.ParkedStore;
import dev.outboxrelay.relay.settle.ParkedTopic;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Queue;
import java.util.Set;

/** What is parked as a test says. */
final class FakeParkedStore implements ParkedStore {
  final Map<String, ParkedTopic> topics = new HashMap<>();
  final Map<String, Long> last = new HashMap<>();

  final Queue<String> replayed = new ArrayDeque<>();
  final Set<String> discarded = new HashSet<>();
  final Set<String> held = new HashSet<>();

  /** How often it was looked how much is left. */
  int looks;

  @Override
  public boolean add(InFlight record) {
    throw new AssertionError("lanes park nothing");
  }

  @Override
  public void sync() {}

  @Override
  public void settled(String topic) {
    looks++;
  }

  @Override
  public Held held() {
    return Held.NOTHING;
  }

  @Override
  public ParkedTopic topic(String topic) {
    return topics.getOrDefault(topic, ParkedTopic.EMPTY);
  }

  @Override
  public long lastParked(String topic) {
    return last.getOrDefault(topic, 0L);
  }

  @Override
  public Map<String, ParkedTopic> topics() {
    return topics;
  }

  @Override
  public String pollReplayed() {
    return replayed.poll();
  }

  @Override
  public String pollRetry() {
    return null;
  }

  @Override
  public String pollDiscarded() {
    return null;
  }

  @Override
  public boolean isDiscarded(String topic) {
    return discarded.contains(topic);
  }

  @Override
  public boolean repeatLast(String topic) {
    return false;
  }

  @Override
  public boolean holdsLane(String topic) {
    return held.contains(topic);
  }

  @Override
  public boolean isLost(String topic, long sequence, long original) {
    return false;
  }

  @Override
  public int bring() {
    return 0;
  }

  @Override
  public boolean isBringingFailing() {
    return false;
  }

  @Override
  public boolean hasStaged() {
    return false;
  }

  @Override
  public boolean isStaged(String topic) {
    return false;
  }

  @Override
  public void hurry(String topic) {}

  @Override
  public void close() {}
}
