package dev.outboxrelay.relay.simulation;

import dev.outboxrelay.relay.deliver.InFlight;
import dev.outboxrelay.relay.fact.Held;
import dev.outboxrelay.relay.settle.ParkedStore;
import dev.outboxrelay.relay.settle.ParkedTopic;
import dev.outboxrelay.relay.tail.Arrival;
import dev.outboxrelay.relay.tail.Source;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;

/** Parked topics on a simulated disk, as one relay knows them. */
final class SimulatedParking implements ParkedStore {
  private final SimulatedDisk disk;
  private final Map<String, ParkedTopic> known = new HashMap<>();
  private final Map<String, Long> last = new HashMap<>();
  private final Map<String, Long> left = new HashMap<>();
  private final long leftInMain;
  private Held held = Held.NOTHING;

  /** Looks what an earlier relay has left. */
  SimulatedParking(SimulatedDisk disk) {
    this.disk = disk;
    this.leftInMain = disk.queue.lastSequence();
    disk.parked.forEach((topic, queue) -> left.put(topic, queue.lastSequence()));
    for (Map.Entry<String, SimulatedQueue> each : disk.parked.entrySet()) {
      for (Arrival arrival : each.getValue().all()) {
        long original = Source.of(((Arrival.Event) arrival).record()).sequence();
        last.merge(each.getKey(), original, Math::max);
      }
      settled(each.getKey());
    }
  }

  @Override
  public boolean add(InFlight record) throws IOException {
    SimulatedQueue queue = disk.parked(record.topic());
    for (Arrival arrival : queue.all()) {
      if (((Arrival.Event) arrival).record().eventId().equals(record.eventId())) {
        last.merge(record.topic(), record.sequence(), Math::max);
        return false;
      }
    }
    disk.needSpace();
    Arrival.Event original = disk.queue.event(record.sequence());
    byte[] key = original.record().key();
    disk.change(
        () ->
            queue.append(
                record.eventId().getLeastSignificantBits(),
                record.topic(),
                key == null ? -1 : key[0],
                new Source(SimulatedPipeline.OUTBOX, 1, record.sequence(), record.appendMillis())));
    ParkedTopic before = topic(record.topic());
    known.put(
        record.topic(),
        new ParkedTopic(queue.lastSequence(), before.settledSequence(), before.heldBytes()));
    last.merge(record.topic(), record.sequence(), Math::max); // behind what was appended
    return true;
  }

  @Override
  public void sync() throws IOException {
    for (SimulatedQueue queue : disk.parked.values()) {
      if (queue.durable().size() < queue.all().size()) {
        disk.change(() -> queue.sync(Long.MAX_VALUE));
      }
    }
    disk.parked.keySet().forEach(this::settled);
  }

  @Override
  public void settled(String topic) {
    long saved = disk.savedSequence(topic);
    long appended = disk.parked(topic).lastSequence();
    long waiting =
        disk.parked(topic).all().stream()
            .filter(each -> SimulatedQueue.sequenceOf(each) > saved)
            .count();
    known.put(
        topic,
        new ParkedTopic(appended, Math.min(saved, appended), waiting * SimulatedQueue.BYTES));
    long events = known.values().stream().mapToLong(ParkedTopic::heldEvents).sum();
    long bytes = known.values().stream().mapToLong(ParkedTopic::heldBytes).sum();
    held = new Held(known.size(), events, bytes, List.of(), OptionalLong.empty());
  }

  @Override
  public Held held() {
    return held;
  }

  @Override
  public ParkedTopic topic(String topic) {
    return known.getOrDefault(topic, ParkedTopic.EMPTY);
  }

  @Override
  public long lastParked(String topic) {
    return last.getOrDefault(topic, 0L);
  }

  @Override
  public Map<String, ParkedTopic> topics() {
    return Map.copyOf(known);
  }

  @Override
  public boolean isLost(String topic, long sequence, long original) {
    return original > leftInMain && sequence <= left.getOrDefault(topic, 0L);
  }

  @Override
  public String pollReplayed() {
    return null;
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
    return false;
  }

  @Override
  public boolean repeatLast(String topic) {
    return false;
  }

  @Override
  public boolean holdsLane(String topic) {
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
