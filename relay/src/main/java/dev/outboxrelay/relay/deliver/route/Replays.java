package dev.outboxrelay.relay.deliver.route;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * Topics that are sent as ever while their lanes deliver what was given up before. That stands in
 * no order to what is sent, so nothing waits for it; as soon as events of the topic go to its lane,
 * it is one of them. For one thread.
 */
final class Replays {
  private static final int MOST_LOOKED_AT = 16;
  private static final long RETRY_NANOS = TimeUnit.SECONDS.toNanos(30);

  private final Lanes lanes;
  private final Map<String, Replay> topics = new LinkedHashMap<>();

  Replays(Lanes lanes) {
    this.lanes = lanes;
  }

  private static final class Replay {
    private boolean delivers;
    private long notBeforeNanos;

    private Replay(long now) {
      notBeforeNanos = now;
    }
  }

  /**
   * Goes on with those whose topics can be written.
   *
   * @param routes finds the route of a topic
   * @param questions asks for a topic of which it is not known
   */
  void look(Function<String, Route> routes, Consumer<String> questions, long now) {
    for (String topic = lanes.replayed(); topic != null; topic = lanes.replayed()) {
      topics.putIfAbsent(topic, new Replay(now));
    }
    for (int left = Math.min(topics.size(), MOST_LOOKED_AT); left > 0; left--) {
      String topic = topics.keySet().iterator().next();
      Replay replay = topics.remove(topic);
      if (goesOn(routes.apply(topic), replay, questions, now)) {
        topics.put(topic, replay); // behind the others
      }
    }
  }

  private boolean goesOn(Route route, Replay replay, Consumer<String> questions, long now) {
    if (route.hasLane()) {
      return false; // that lane delivers all there is
    }
    if (replay.delivers) {
      return !isOver(route.topic(), replay, now);
    }
    if (!route.isUnwritable() && now - replay.notBeforeNanos >= 0) {
      if (route.isOpen(now)) {
        replay.delivers = true;
        lanes.drain(route.topic(), null);
      } else {
        questions.accept(route.topic());
      }
    }
    return true;
  }

  private boolean isOver(String topic, Replay replay, long now) {
    boolean stuck = lanes.progress(topic) instanceof Lanes.Progress.Stuck;
    boolean empty = !stuck && lanes.isEmpty(topic, 0) && !lanes.hasReplays(topic);
    if (stuck || empty) {
      lanes.close(topic);
      replay.delivers = false;
      replay.notBeforeNanos = now + RETRY_NANOS;
    }
    return empty;
  }

  /** Of a topic that is sent again, nothing but these is left in its lane. */
  void add(String topic, long now) {
    topics.putIfAbsent(topic, new Replay(now));
  }

  /** The topic can't be written; returns whether its lane was delivering. */
  boolean interrupt(String topic) {
    Replay replay = topics.get(topic);
    boolean delivered = replay != null && replay.delivers;
    if (delivered) {
      replay.delivers = false;
    }
    return delivered;
  }

  /** Its lane delivers in order from now on. */
  void leaveTo(Route route) {
    topics.remove(route.topic());
  }
}
