package dev.outboxrelay.relay.deliver.route;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.OptionalLong;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * When topics that can't be written are asked for again. Where many are due they are asked for
 * together; but by that none is created, so each has its turn alone again and again, as far as that
 * has others not wait. For one thread.
 */
final class Retries {
  /** Two hundred a second. */
  private static final long ALONE_EVERY_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

  /** Ten thousand are asked for together in two seconds. */
  private static final long TOGETHER_EVERY_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  /** So many have their turn alone next; for others it is not long that they wait behind them. */
  private static final int MOST_ALONE = 100;

  private static final long NEVER = Long.MIN_VALUE;

  /** What was put off since stands there twice. */
  private final PriorityQueue<Planned> planned = new PriorityQueue<>();

  /** Those that are due, each to be asked for alone. */
  private final ArrayDeque<Planned> alone = new ArrayDeque<>();

  private long aloneNanos = NEVER; // of the latest question
  private long togetherNanos = NEVER; // when it was looked for many that are due

  private record Planned(long nanos, Route route) implements Comparable<Planned> {
    @Override
    public int compareTo(Planned other) {
      return Long.signum(nanos - other.nanos);
    }

    /** Whether it was not put off since. */
    boolean isValid() {
      return route.retryNanos().equals(OptionalLong.of(nanos));
    }
  }

  boolean isEmpty() {
    return planned.isEmpty() && alone.isEmpty();
  }

  /** Plans the next question for a topic that can't be written, at its time. */
  void plan(Route route) {
    route.retryNanos().ifPresent(nanos -> planned.add(new Planned(nanos, route)));
  }

  /** It may be there: the sender is to be asked before others have their turn. */
  void planAlone(Route route) {
    route.retryNanos().ifPresent(nanos -> alone.addFirst(new Planned(nanos, route)));
  }

  /**
   * What is due; null if nothing is.
   *
   * @param together whether many may be asked for at once
   */
  Question next(boolean together, long now) {
    if (together && isOver(togetherNanos, TOGETHER_EVERY_NANOS, now)) {
      Set<Route> many = takeDue(now);
      if (!many.isEmpty()) {
        return new Question.Together(many);
      }
    }
    if (!isOver(aloneNanos, ALONE_EVERY_NANOS, now)) {
      return null;
    }
    Planned next = firstAlone();
    if (next == null && !together) {
      next = firstDue(now);
    }
    return next == null ? null : new Question.Alone(next.route());
  }

  private static boolean isOver(long since, long nanos, long now) {
    return since == NEVER || now - since >= nanos;
  }

  /** Returns those to be asked for together; the others that are due are then next alone. */
  private Set<Route> takeDue(long now) {
    Set<Route> many = new LinkedHashSet<>();
    List<Planned> all = new ArrayList<>();
    for (Planned due = firstDue(now); due != null; due = firstDue(now)) {
      togetherNanos = now;
      if (due.route().isToBeAskedForAlone() && alone.size() < MOST_ALONE) {
        alone.add(due);
      } else if (many.add(due.route())) {
        all.add(due);
      }
      if (many.size() == Questions.MOST_TOGETHER) {
        break;
      }
    }
    if (many.size() >= Questions.MANY) {
      return many;
    }
    alone.addAll(all);
    return Set.of();
  }

  private Planned firstDue(long now) {
    while (!planned.isEmpty() && now - planned.peek().nanos() >= 0) {
      Planned due = planned.poll();
      if (due.isValid()) {
        return due;
      }
    }
    return null;
  }

  private Planned firstAlone() {
    while (!alone.isEmpty()) {
      Planned due = alone.poll();
      if (due.isValid()) {
        return due;
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
    planned.clear();
    alone.clear();
    unwritable.forEach(this::plan);
  }
}
