package dev.outboxrelay.relay.deliver.route;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** What brokers are asked at a time, until the answer comes. */
sealed interface Question {
  /** Those that it is about. */
  Set<Route> routes();

  /** Whether it is about this one, too. */
  default boolean isAbout(Route route) {
    return routes().contains(route);
  }

  /** Of one of them, for people. */
  default String topic() {
    return routes().iterator().next().topic();
  }

  /** The sender has to know it before anything is sent there; may have it created. */
  record Alone(Route route) implements Question {
    @Override
    public Set<Route> routes() {
      return Set.of(route);
    }

    @Override
    public boolean isAbout(Route other) {
      return route == other;
    }
  }

  /** Which of them can't be written. */
  record Together(Set<Route> routes) implements Question {
    List<String> topics() {
      List<String> topics = new ArrayList<>();
      routes.forEach(route -> topics.add(route.topic()));
      return topics;
    }
  }
}
