package dev.outboxrelay.relay.deliver.route;

import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/**
 * Which topics are asked for next: one question at a time, for those of which nothing is known in
 * the order in which their events came, and no topic that can't be written twice before another one
 * that waits for its first question. Where many can't be written, many that wait are asked for
 * together; of whichever that says nothing bad is asked for alone, as the sender has to know it
 * before anything is sent there. For one thread.
 */
final class Questions {
  /** From so many on they are asked for together. */
  static final int MANY = 8;

  /** A request has no more, whatever the names. */
  static final int MOST_TOGETHER = 500;

  /** How long it is asked for each alone where a question for many has no answer. */
  private static final long APART_NANOS = TimeUnit.SECONDS.toNanos(10);

  /** For those that can't be written. */
  private final Retries retries = new Retries();

  /** Those of which nothing is known and that wait for their question. */
  private final Set<Route> unknown = new LinkedHashSet<>();

  /** Those of them of which a question for many has told nothing bad. */
  private final Set<Route> unclear = new LinkedHashSet<>();

  /** What is not answered, or null. */
  private Question asked;

  private long askedNanos;
  private boolean unwritableWasAsked;

  /** Whether a question for many had no answer, and since when. */
  private boolean apart;

  private long apartNanos;

  /** Plans the next question for a topic that can't be written, at its time. */
  void plan(Route route) {
    retries.plan(route);
  }

  /**
   * What it is time to ask; null if there is nothing.
   *
   * @param manyAreBarred whether topics that can't be written are no exception
   */
  Question next(boolean manyAreBarred, long now) {
    if (asked != null || (retries.isEmpty() && unknown.isEmpty() && unclear.isEmpty())) {
      return null; // each turn comes by
    }
    boolean together = manyAreBarred && !isApart(now);
    Question first = first(together);
    if (first == null || !unwritableWasAsked) {
      Question again = retries.next(together, now);
      if (again != null) {
        return again;
      }
    }
    return first;
  }

  private boolean isApart(long now) {
    apart = apart && now - apartNanos < APART_NANOS;
    return apart;
  }

  private Question first(boolean together) {
    if (!unclear.isEmpty()) {
      return new Question.Alone(unclear.iterator().next());
    }
    if (unknown.isEmpty()) {
      return null;
    }
    return together && unknown.size() >= MANY
        ? new Question.Together(
            unknown.stream()
                .limit(MOST_TOGETHER)
                .collect(Collectors.toCollection(LinkedHashSet::new)))
        : new Question.Alone(unknown.iterator().next());
  }

  /**
   * Whether a topic is to be asked for now: no other answer is awaited, and none has its turn.
   *
   * @param manyAreBarred whether topics that can't be written are no exception
   */
  boolean isNext(Route route, boolean manyAreBarred, long now) {
    if (asked != null && asked.isAbout(route)) {
      return false;
    }
    if (route.isUnwritable()) {
      return asked == null;
    }
    if (!unclear.contains(route)) {
      unknown.add(route);
    }
    return asked == null
        && first(manyAreBarred && !isApart(now)) instanceof Question.Alone alone
        && alone.route() == route;
  }

  /** It is asked now. */
  void asked(Question question, long now) {
    asked = question;
    askedNanos = now;
    unwritableWasAsked = question.routes().iterator().next().isUnwritable();
    if (unwritableWasAsked && question instanceof Question.Alone) {
      retries.askedAlone(now);
    }
    for (Route route : question.routes()) {
      route.asked(question instanceof Question.Alone);
      forgo(route);
    }
  }

  /** Whether the answer about a topic is awaited. */
  boolean awaits(Route route) {
    return asked != null && asked.isAbout(route);
  }

  /** Nobody waits for its first question any more. */
  void forgo(Route route) {
    unknown.remove(route);
    unclear.remove(route);
  }

  /** The answer came. */
  void answered() {
    asked = null;
  }

  /**
   * The answer about many came.
   *
   * @param bad those that can't be written
   * @param anybody whether there was one at all; else it is asked for each alone for some time
   * @return all that were asked for
   */
  Set<Route> answered(Set<String> bad, boolean anybody, long now) {
    Set<Route> all = asked == null ? Set.of() : asked.routes();
    asked = null;
    apart = !anybody;
    apartNanos = now;
    for (Route route : all) {
      if (bad.contains(route.topic())) {
        continue; // its bar plans what follows
      }
      if (route.isUnwritable()) {
        retries.planAlone(route);
      } else {
        unclear.add(route);
      }
    }
    return all;
  }

  /** The topic that was asked for so long ago without an answer; or null. */
  String unanswered(long now, long nanos) {
    return asked != null && now - askedNanos >= nanos ? asked.topic() : null;
  }

  /** Another sender follows, and answers none of them. */
  void renew(Collection<Route> unwritable) {
    asked = null;
    apart = false;
    unknown.clear();
    unclear.clear();
    retries.renew(unwritable);
  }
}
