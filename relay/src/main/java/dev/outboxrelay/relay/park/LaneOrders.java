package dev.outboxrelay.relay.park;

import java.util.Queue;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * What the lanes of an outbox are told by who applies requests: which have got something, which are
 * to be asked for, and which must not run or save. Thread-safe.
 */
public final class LaneOrders {
  private final Queue<String> replayed = new ConcurrentLinkedQueue<>();
  private final Queue<String> retries = new ConcurrentLinkedQueue<>();
  private final Queue<String> givenUp = new ConcurrentLinkedQueue<>();
  private final Set<String> discarded = ConcurrentHashMap.newKeySet();
  private final LaneHolds holds = new LaneHolds();

  LaneOrders() {}

  /** A topic's lane has events that were given up before. */
  public void tellReplayed(String topic) {
    replayed.add(topic);
  }

  String pollReplayed() {
    return replayed.poll();
  }

  /** A topic is to be asked for now. */
  public void tellRetry(String topic) {
    retries.add(topic);
  }

  String pollRetry() {
    return retries.poll();
  }

  /** A topic's lane must not run from now on, or may again. */
  public void discard(String topic, boolean goesOn) {
    if (goesOn) {
      discarded.add(topic);
    } else {
      discarded.remove(topic);
      givenUp.add(topic);
    }
  }

  String pollDiscarded() {
    return givenUp.poll();
  }

  boolean isDiscarded(String topic) {
    return discarded.contains(topic);
  }

  /** Nothing is being moved or given up. */
  public void letRun() {
    holds.releaseAll();
    givenUp.addAll(discarded);
    discarded.clear();
  }

  /**
   * A topic's lane saves no position from now on: what is being moved there for a request must not
   * be settled before it is written down that it was.
   */
  public void hold(UUID request, String topic) {
    holds.hold(request, topic);
  }

  /** No lane at all does: it is not known to which topics something was moved. */
  public void holdAll(UUID request) {
    holds.holdAll(request);
  }

  /** For that request, none but those of these topics. */
  public void holdOnly(UUID request, Set<String> topics) {
    holds.holdOnly(request, topics);
  }

  /** None for that request any more. */
  public void release(UUID request) {
    holds.release(request);
  }

  boolean holds(String topic) {
    return holds.holds(topic);
  }
}
