package dev.outboxrelay.relay.deliver.route;

import dev.outboxrelay.relay.fact.Trouble;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.Set;

/** The topics that can't be written, in the order in which that was found. For one thread. */
final class Bars {
  /** From so many on they are asked for together. */
  static final int MANY = 8;

  /** From so many on the next one may well be missing, too. */
  static final int SEVERAL = 2;

  private final Set<Route> all = new LinkedHashSet<>();

  /** Those of them whose events are in the way of others, as they are not parked. */
  private final Set<Route> inTheWay = new LinkedHashSet<>();

  void add(Route route) {
    all.add(route);
    if (!route.parks()) {
      inTheWay.add(route);
    }
  }

  void remove(Route route) {
    all.remove(route);
    inTheWay.remove(route);
  }

  /** Its events are parked. */
  void park(Route route) {
    inTheWay.remove(route);
  }

  /** Whether topics that can't be written are no exception. */
  boolean areMany() {
    return all.size() >= MANY;
  }

  /**
   * Whether the sender is spared questions: it waits for each that is missing, and goes on asking.
   */
  boolean areSeveral() {
    return all.size() >= SEVERAL;
  }

  Collection<Route> all() {
    return Collections.unmodifiableCollection(all);
  }

  /** Those whose events are in the way count as barred since then at the latest. */
  void since(long nanos) {
    inTheWay.forEach(route -> route.barredSince(nanos));
  }

  /** What bars the first of those whose events are in the way of others; null if none is. */
  Trouble first() {
    return inTheWay.isEmpty() ? null : inTheWay.iterator().next().trouble();
  }
}
