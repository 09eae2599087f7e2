package dev.outboxrelay.relay.deliver.route;

import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.OptionalLong;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * Which topic is asked for next: one at a time, those of which nothing is known in the order in
 * which their events came, and none that can't be written twice before another one that waits for
 * its first question. For one thread.
 */
final class Questions {
  /** Ten thousand topics that can't be written are asked for in less than a minute. */
  private static final long UNWRITABLE_EVERY_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

  /** For those that can't be written; what was put off since stands there twice. */
  private final PriorityQueue<Question> planned = new PriorityQueue<>();

  /** Those of which nothing is known and that wait for their question. */
  private final Set<Route> unknown = new LinkedHashSet<>();

  /** The one that was asked for and is not answered, or null. */
  private Route asked;

  private long askedNanos;

  private boolean unwritableWasAsked;
  private long unwritableNanos = Long.MIN_VALUE; // of the latest question for such a one

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

  /** A topic for which it is time; null if there is none. */
  Route due(long now) {
    if (asked != null || (planned.isEmpty() && unknown.isEmpty())) {
      return null; // each turn comes by
    }
    Route first = firstUnknown();
    if (first != null && unwritableWasAsked) {
      return first;
    }
    Route unwritable = unwritable(now);
    return unwritable == null ? first : unwritable;
  }

  private Route firstUnknown() {
    return unknown.isEmpty() ? null : unknown.iterator().next();
  }

  private Route unwritable(long now) {
    boolean soon =
        unwritableNanos != Long.MIN_VALUE && now - unwritableNanos < UNWRITABLE_EVERY_NANOS;
    while (!soon && !planned.isEmpty() && now - planned.peek().nanos() >= 0) {
      Question due = planned.poll();
      if (due.route().retryNanos().equals(OptionalLong.of(due.nanos()))) {
        return due.route();
      }
    }
    return null;
  }

  /** Whether a topic is to be asked for now: no other answer is awaited, and none has its turn. */
  boolean ask(Route route, long now) {
    if (asked == route) {
      return false;
    }
    boolean writable = !route.isUnwritable();
    Route first = firstUnknown();
    if (asked != null || (writable && first != null && first != route)) {
      if (writable) {
        unknown.add(route);
      }
      return false;
    }
    unknown.remove(route);
    asked = route;
    askedNanos = now;
    unwritableWasAsked = !writable;
    if (unwritableWasAsked) {
      unwritableNanos = now;
    }
    return true;
  }

  /** Whether the answer about a topic is awaited. */
  boolean awaits(Route route) {
    return asked == route;
  }

  /** Nobody waits for its first question any more. */
  void forgo(Route route) {
    unknown.remove(route);
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
    unknown.clear();
    planned.clear();
    unwritable.forEach(this::plan);
  }
}
