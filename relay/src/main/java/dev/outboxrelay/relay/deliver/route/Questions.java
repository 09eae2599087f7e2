package dev.outboxrelay.relay.deliver.route;

import java.util.Collection;
import java.util.OptionalLong;
import java.util.PriorityQueue;

/**
 * Which topic is asked for next: one at a time, and none that can't be written twice before another
 * one that waits for its first question. For one thread.
 */
final class Questions {
  /** For those that can't be written; what was put off since stands there twice. */
  private final PriorityQueue<Question> planned = new PriorityQueue<>();

  /** The one that was asked for and is not answered, or null. */
  private Route asked;

  private long askedNanos;

  /** Whether a topic of which nothing is known waits for its question. */
  private boolean unknownWaits;

  private boolean unwritableWasAsked;

  private record Question(long nanos, Route route) implements Comparable<Question> {
    @Override
    public int compareTo(Question other) {
      return Long.signum(nanos - other.nanos);
    }
  }

  /** Plans the next question for a topic that can't be written, at its time. */
  void plan(Route route) {
    route.retryNanos().ifPresent(nanos -> planned.add(new Question(nanos, route)));
  }

  /** A topic that can't be written and for which it is time; null if there is none. */
  Route due(long now) {
    if (asked != null || (unknownWaits && unwritableWasAsked)) {
      return null;
    }
    while (!planned.isEmpty() && now - planned.peek().nanos() >= 0) {
      Question due = planned.poll();
      if (due.route().retryNanos().equals(OptionalLong.of(due.nanos()))) {
        return due.route();
      }
    }
    return null;
  }

  /** Whether a topic is to be asked for now: no other answer is awaited. */
  boolean ask(Route route, long now) {
    if (asked != null) {
      unknownWaits |= asked != route && !route.isUnwritable();
      return false;
    }
    asked = route;
    askedNanos = now;
    unwritableWasAsked = route.isUnwritable();
    unknownWaits &= unwritableWasAsked;
    return true;
  }

  /** The answer came. */
  void answered() {
    asked = null;
  }

  /** The topic that was asked for so long ago without an answer; or null. */
  String unanswered(long now, long nanos) {
    return asked != null && now - askedNanos >= nanos ? asked.topic() : null;
  }

  /** Another sender follows, and answers none of them. */
  void renew(Collection<Route> unwritable) {
    asked = null;
    unknownWaits = false;
    planned.clear();
    unwritable.forEach(this::plan);
  }
}
