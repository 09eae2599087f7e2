package dev.outboxrelay.relay.deliver.route;

import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.OptionalLong;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * When topics that can't be written are asked for again. Where many are due they are asked for
 * together; but by that none is created, so each has its turn alone again and again. For one
 * thread.
 */
final class Retries {
  /** Ten thousand are asked for alone in less than a minute. */
  private static final long ALONE_EVERY_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

  /** Ten thousand are asked for together in two seconds. */
  private static final long TOGETHER_EVERY_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  private static final long NEVER = Long.MIN_VALUE;

  /** What was put off since stands there twice. */
  private final PriorityQueue<Planned> alone = new PriorityQueue<>();

  private final PriorityQueue<Planned> withOthers = new PriorityQueue<>();
  private long aloneNanos = NEVER; // of the latest question
  private long togetherNanos = NEVER; // when it was looked for many that are due

  private record Planned(long nanos, Route route) implements Comparable<Planned> {
    @Override
    public int compareTo(Planned other) {
      return Long.signum(nanos - other.nanos);
    }
  }

  boolean isEmpty() {
    return alone.isEmpty() && withOthers.isEmpty();
  }

  /** Plans the next question for a topic that can't be written, at its time. */
  void plan(Route route) {
    plan(route, route.isToBeAskedForAlone() ? alone : withOthers);
  }

  /** The same, without others. */
  void planAlone(Route route) {
    plan(route, alone);
  }

  private static void plan(Route route, PriorityQueue<Planned> queue) {
    route.retryNanos().ifPresent(nanos -> queue.add(new Planned(nanos, route)));
  }

  /**
   * What is due; null if nothing is.
   *
   * @param together whether many may be asked for at once
   */
  Question next(boolean together, long now) {
    if (together && isOver(togetherNanos, TOGETHER_EVERY_NANOS, now)) {
      Set<Route> due = withOthers(now);
      if (due.size() >= Questions.MANY) {
        return new Question.Together(due);
      }
      due.forEach(this::planAlone);
    }
    if (!isOver(aloneNanos, ALONE_EVERY_NANOS, now)) {
      return null;
    }
    Route route = poll(alone, now);
    if (route == null && !together) {
      route = poll(withOthers, now);
    }
    return route == null ? null : new Question.Alone(route);
  }

  private static boolean isOver(long since, long nanos, long now) {
    return since == NEVER || now - since >= nanos;
  }

  private Set<Route> withOthers(long now) {
    Set<Route> due = new LinkedHashSet<>();
    while (due.size() < Questions.MOST_TOGETHER) {
      Route route = poll(withOthers, now);
      if (route == null) {
        break;
      }
      due.add(route);
    }
    if (!due.isEmpty()) {
      togetherNanos = now;
    }
    return due;
  }

  private static Route poll(PriorityQueue<Planned> queue, long now) {
    while (!queue.isEmpty() && now - queue.peek().nanos() >= 0) {
      Planned due = queue.poll();
      if (due.route().retryNanos().equals(OptionalLong.of(due.nanos()))) {
        return due.route();
      }
    }
    return null;
  }

  /** One of them is asked for alone now. */
  void askedAlone(long now) {
    aloneNanos = now;
  }

  /** Plans for these and for no others. */
  void renew(Collection<Route> unwritable) {
    alone.clear();
    withOthers.clear();
    unwritable.forEach(this::plan);
  }
}
