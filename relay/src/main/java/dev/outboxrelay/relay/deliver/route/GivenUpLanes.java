package dev.outboxrelay.relay.deliver.route;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * Finds the topics of which nothing waits any more, as what their lanes held was given up: no event
 * would ever show that one of them can be written, as may be if its name was a mistake. For one
 * thread.
 */
final class GivenUpLanes {
  private final Lanes lanes;
  private final Questions questions;
  private final Replays replays;

  /** Those that are not looked at yet. */
  private final Set<String> told = new LinkedHashSet<>();

  GivenUpLanes(Lanes lanes, Questions questions, Replays replays) {
    this.lanes = lanes;
    this.questions = questions;
    this.replays = replays;
  }

  /**
   * Forgets what bars them.
   *
   * @param routes finds the route of a topic, or null
   * @param waits whether an event of a topic waits before its lane
   * @return those that were barred until now
   */
  List<Route> look(Function<String, Route> routes, Predicate<String> waits) {
    for (String topic = lanes.discarded(); topic != null; topic = lanes.discarded()) {
      told.add(topic);
    }
    if (told.isEmpty()) {
      return List.of(); // each turn comes by
    }
    List<Route> forgotten = new ArrayList<>();
    for (Iterator<String> each = told.iterator(); each.hasNext(); ) {
      Route route = routes.apply(each.next());
      if (route == null || !questions.awaits(route)) { // the answer would bar it anew
        each.remove();
        if (route != null && isOver(route, waits) && forget(route)) {
          forgotten.add(route);
        }
      }
    }
    return forgotten;
  }

  private boolean isOver(Route route, Predicate<String> waits) {
    boolean delivers = route.hasLane() && !route.isUnwritable(); // comes to its end by itself
    return !delivers
        && lanes.lastParked(route.topic()) >= route.parkedUpTo() // else it is on its way there
        && !lanes.hasReplays(route.topic())
        && !waits.test(route.topic());
  }

  private boolean forget(Route route) {
    if (replays.interrupt(route.topic())) {
      lanes.close(route.topic());
    }
    replays.leaveTo(route);
    questions.forgo(route);
    boolean barred = route.isUnwritable();
    route.forget();
    return barred;
  }
}
