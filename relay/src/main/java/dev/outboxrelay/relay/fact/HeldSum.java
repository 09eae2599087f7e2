package dev.outboxrelay.relay.fact;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalLong;
import java.util.PriorityQueue;

/** Adds up what is parked, and remembers no more topics than are shown. For one thread. */
public final class HeldSum {
  private static final Comparator<Held.Topic> MOST_FIRST =
      Comparator.comparingLong(Held.Topic::events).reversed().thenComparing(Held.Topic::name);

  private final PriorityQueue<Held.Topic> largest = new PriorityQueue<>(MOST_FIRST.reversed());
  private int topics;
  private long events;
  private long bytes;
  private long oldestMillis = Long.MAX_VALUE;

  /**
   * A topic that has an outbox.
   *
   * @param oldestMillis append time of its oldest event; empty if it is not known
   */
  public void add(Held.Topic topic, OptionalLong oldestMillis) {
    bytes += topic.bytes();
    if (topic.events() == 0) {
      return;
    }
    topics++;
    events += topic.events();
    this.oldestMillis = Math.min(this.oldestMillis, oldestMillis.orElse(Long.MAX_VALUE));
    largest.add(topic);
    if (largest.size() > Bars.SHOWN) {
      largest.remove();
    }
  }

  /** All that was added. */
  public Held sum() {
    List<Held.Topic> sorted = new ArrayList<>(largest);
    sorted.sort(MOST_FIRST);
    return new Held(
        topics,
        events,
        bytes,
        sorted,
        oldestMillis == Long.MAX_VALUE ? OptionalLong.empty() : OptionalLong.of(oldestMillis));
  }
}
