package dev.outboxrelay.relay.deliver.route;

import dev.outboxrelay.relay.fact.Trouble;
import dev.outboxrelay.relay.fact.Verdict;
import java.util.Set;

/**
 * Where the events of topics wait that can't be written for long: each topic's on disk, and with a
 * way to Kafka of its own, its <i>lane</i>. Never blocks. For one thread.
 */
public interface Lanes {
  /** There are none: events of a topic that can't be written wait in the window. */
  Lanes NONE = new NoLanes();

  /** Whether a topic gets one that can't be written for long. */
  boolean takeMore();

  /** Topics of which an earlier run has left events that others of them must not overtake. */
  Set<String> left();

  /**
   * The sequence of the event of a topic that was parked last, be it that its lane has delivered it
   * since; 0 if none was. Whatever is at or below it counts as parked.
   */
  long lastParked(String topic);

  /**
   * Whether all that was parked is settled, and that is saved; be it that there are replays: events
   * that were given up before, and stand in no order.
   *
   * @param lastSequence of the event of that topic that was parked last
   */
  boolean isEmpty(String topic, long lastSequence);

  /** Whether anything is left, if only replays. */
  boolean hasReplays(String topic);

  /**
   * The topic can be written: its lane delivers as soon as it gets its turn.
   *
   * @param barredBefore what barred it until now; null if that is not known
   */
  void drain(String topic, Trouble barredBefore);

  /** Its lane ends. */
  void close(String topic);

  /**
   * A topic whose lane has got replays, or has kept nothing but replays from an earlier run; null
   * if there is none since the last one.
   */
  String replayed();

  /** A topic that somebody wants to have asked for now; null if nobody does. */
  String retried();

  /**
   * A topic of which somebody has given up what its lane held, or part of it; null if nobody has
   * since the last one.
   */
  String discarded();

  /** How far its lane is. */
  Progress progress(String topic);

  /** Whether a lane has settled anything since it is to deliver. */
  boolean hasSettled(String topic);

  /** How far a lane is that is to deliver. */
  sealed interface Progress {
    /** Others have their turn. */
    record Waiting() implements Progress {}

    /**
     * It delivers.
     *
     * @param events that are left and were parked, as far as is known
     */
    record Delivering(long events) implements Progress {}

    /** It has ended without getting any further. */
    record Stuck(Verdict verdict) implements Progress {}
  }

  /** Without any. */
  record NoLanes() implements Lanes {
    @Override
    public boolean takeMore() {
      return false;
    }

    @Override
    public Set<String> left() {
      return Set.of();
    }

    @Override
    public long lastParked(String topic) {
      return 0;
    }

    @Override
    public boolean isEmpty(String topic, long lastSequence) {
      return true;
    }

    @Override
    public boolean hasReplays(String topic) {
      return false;
    }

    @Override
    public void drain(String topic, Trouble barredBefore) {}

    @Override
    public void close(String topic) {}

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
      return null;
    }

    @Override
    public Progress progress(String topic) {
      return new Progress.Waiting();
    }

    @Override
    public boolean hasSettled(String topic) {
      return false;
    }
  }
}
