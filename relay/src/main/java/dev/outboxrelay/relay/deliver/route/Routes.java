package dev.outboxrelay.relay.deliver.route;

import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.client.record.RecordLimits;
import dev.outboxrelay.relay.fact.DeadLetterReason;
import dev.outboxrelay.relay.fact.Trouble;
import dev.outboxrelay.relay.fact.Verdict;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;

/**
 * All topics that the present sender was asked to write, each with its {@link Route}. One question
 * is asked at a time. For one thread.
 */
public final class Routes {
  private static final Admission WAIT = new Admission.Wait();

  private final TopicSource source;
  private final Map<String, Route> routes = new HashMap<>();

  /** Those that can't be written, in the order in which that was found. */
  private final Set<Route> barred = new LinkedHashSet<>();

  /** The one that was looked up last: neighbours are often of one topic. */
  private Route last;

  /** The one that was asked for and is not answered, or null. */
  private Route asked;

  private long askedNanos;

  public Routes(TopicSource source) {
    this.source = source;
  }

  private Route route(String topic) {
    if (last == null || !last.topic().equals(topic)) {
      last = routes.computeIfAbsent(topic, Route::new);
    }
    return last;
  }

  /**
   * Whether an event may be sent now; asks for its topic if need be.
   *
   * @param now of the monotonic clock
   */
  public Admission admit(OutboxRecord record, long now) {
    if (RecordLimits.INTERNAL_TOPICS.contains(record.topic())) {
      return new Admission.Refused(
          new Verdict.DeadLetter(
              DeadLetterReason.INTERNAL_TOPIC, record.topic() + " is kept by the brokers", true));
    }
    Route route = route(record.topic());
    if (route.barred() != null) {
      return WAIT;
    }
    if (!isUpToDate(route, now)) {
      ask(record.topic(), now);
      return WAIT;
    }
    if (route.isIntroducing(now)) {
      return WAIT;
    }
    int partition = source.partitionOf(record, route.partitions());
    return partition >= route.partitions()
        ? new Admission.Refused(route.want(partition))
        : new Admission.Send(partition, route.introduces(partition, now));
  }

  private boolean isUpToDate(Route route, long now) {
    if (!route.isOpen(now) || !source.isConfirmed()) {
      route.doubt();
      return false;
    }
    int updates = source.updates();
    if (!route.isComparedWith(updates)) {
      if (source.partitionsNow(route.topic()) != route.partitions()) {
        route.doubt();
        return false;
      }
      route.comparedWith(updates);
    }
    return true;
  }

  /** An event that was admitted was handed over. */
  public void sent(OutboxRecord record, Admission.Send admission, Introduction inFlight, long now) {
    route(record.topic()).sent(admission, inFlight, now);
  }

  /** The sender would not take an event of this topic: it is asked for before the next attempt. */
  public void refused(String topic) {
    route(topic).doubt();
  }

  /**
   * A topic can't be written: its events wait, and it is asked for again.
   *
   * @param retryNanos when
   */
  public void bar(String topic, Trouble trouble, long retryNanos) {
    Route route = route(topic);
    route.bar(trouble, retryNanos);
    barred.add(route);
  }

  /** What bars a topic, or null. */
  public Trouble bar(String topic) {
    Route route = routes.get(topic);
    return route == null || route.barred() == null ? null : route.barred().trouble();
  }

  /** What bars the topic that was barred first; null if none is. */
  public Trouble firstBar() {
    return barred.isEmpty() ? null : barred.iterator().next().barred().trouble();
  }

  /** Asks for the topics that are barred, as it becomes time. */
  public void askAgain(long now) {
    if (asked != null || barred.isEmpty()) {
      return; // each turn comes by
    }
    barred.stream()
        .filter(route -> now - route.barred().retryNanos() >= 0)
        .findFirst()
        .ifPresent(due -> ask(due.topic(), now));
  }

  /** Asks for a topic, unless an answer is awaited already. */
  public void ask(String topic, long now) {
    if (asked == null) {
      asked = route(topic);
      askedNanos = now;
      asked.asked();
      source.ask(topic);
    }
  }

  /**
   * The answer: it can be written.
   *
   * @return what follows from that together with what was known before; null if nothing does
   */
  public Verdict ready(String topic, int partitions, long now) {
    asked = null;
    Route route = route(topic);
    Verdict objection = route.ready(partitions, now);
    if (objection == null) {
      barred.remove(route);
    }
    return objection;
  }

  /** The answer: not now; it is up to the caller whether that bars the topic. */
  public void unavailable(String topic) {
    asked = null;
    route(topic).unavailable();
  }

  /** The topic that was asked for so long ago without an answer; or null. */
  public String unanswered(long now, long nanos) {
    return asked != null && now - askedNanos >= nanos ? asked.topic() : null;
  }

  /** Whether events of this topic can be sent, as far as is known. */
  public boolean isOpen(String topic, long now) {
    Route route = routes.get(topic);
    return route != null && route.isOpen(now) && source.isConfirmed();
  }

  /** How many partitions a topic has; 0 if that is not known. */
  public int partitions(String topic) {
    Route route = routes.get(topic);
    return route == null ? 0 : route.partitions();
  }

  /** Another sender follows: of what it writes nobody has heard. */
  public void renew(long now) {
    routes.values().retainAll(barred);
    barred.forEach(route -> route.renew(now));
    last = null;
    asked = null;
  }
}
