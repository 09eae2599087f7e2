package dev.outboxrelay.relay.deliver.route;

import java.util.Iterator;
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
    int looked = 0;
    Iterator<Map.Entry<String, Replay>> each = topics.entrySet().iterator();
    while (each.hasNext() && looked++ < MOST_LOOKED_AT) {
      Map.Entry<String, Replay> next = each.next();
      String topic = next.getKey();
      Route route = routes.apply(topic);
      if (route.hasLane()) {
        each.remove(); // that lane delivers all there is
      } else if (next.getValue().delivers) {
        if (isOver(topic, next.getValue(), now)) {
          each.remove();
        }
      } else if (!route.isUnwritable() && now - next.getValue().notBeforeNanos >= 0) {
        if (route.isOpen(now)) {
          next.getValue().delivers = true;
          lanes.drain(topic, null);
        } else {
          questions.accept(topic);
        }
      }
    }
  }

  private boolean isOver(String topic, Replay replay, long now) {
    boolean stuck = lanes.progress(topic) instanceof Lanes.Progress.Stuck;
    boolean empty = !stuck && lanes.isEmpty(topic, 0);
    if (stuck || empty) {
      lanes.close(topic);
      replay.delivers = false;
      replay.notBeforeNanos = now + RETRY_NANOS;
    }
    return empty;
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
