package dev.outboxrelay.relay.deliver.route;

import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.client.record.RecordLimits;
import dev.outboxrelay.relay.fact.Trouble;
import dev.outboxrelay.relay.fact.Verdict;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/**
 * All topics that the present sender was asked to write, each with its {@link Route}. One question
 * is asked at a time. For one thread.
 */
public final class Routes {
  private static final Admission WAIT = new Admission.Wait();

  /** In which what was read before is read again. */
  private static final long NEXT_EVENT_NANOS = TimeUnit.SECONDS.toNanos(1);

  /** More lanes than deliver at a time. */
  private static final int MOST_LOOKED_AT = 16;

  private final TopicSource source;
  private final Lanes lanes;
  private final long parkAfterNanos;
  private final Map<String, Route> routes = new HashMap<>();

  private final Bars bars = new Bars();

  /** Those whose lanes are to deliver. */
  private final Set<Route> draining = new LinkedHashSet<>();

  private final Queue<LaneNews> news = new ArrayDeque<>();

  private final Questions questions = new Questions();
  private final Replays replays;
  private final GivenUpLanes givenUp;

  /** The one that was looked up last: neighbours are often of one topic. */
  private Route last;

  /** Without lanes. */
  public Routes(TopicSource source) {
    this(source, Lanes.NONE, 0, 0);
  }

  /**
   * Nothing is known but what an earlier run has left.
   *
   * @param parkAfterNanos how long a topic is barred before its events go to its lane
   * @param now of the monotonic clock
   */
  public Routes(TopicSource source, Lanes lanes, long parkAfterNanos, long now) {
    this.source = source;
    this.lanes = lanes;
    this.parkAfterNanos = parkAfterNanos;
    this.replays = new Replays(lanes);
    this.givenUp = new GivenUpLanes(lanes, questions, replays);
    for (String topic : lanes.left()) {
      Route route = route(topic);
      route.left(now);
      bars.add(route);
      questions.plan(route);
    }
  }

  private Route route(String topic) {
    if (last == null || !last.topic().equals(topic)) {
      last = routes.computeIfAbsent(topic, name -> new Route(name, lanes.lastParked(name)));
    }
    return last;
  }

  /**
   * Whether an event may be sent now; asks for its topic if need be.
   *
   * @param now of the monotonic clock
   */
  public Admission admit(OutboxRecord record, long now) {
    Admission refused = Admission.refusedAnyway(record);
    if (refused != null) {
      return refused;
    }
    Route route = route(record.topic());
    if (route.parks()) {
      return new Admission.Park(false);
    }
    if (route.mayHaveParked(record.sequence())) {
      route.reopen(now);
      drain(route);
      return new Admission.Park(true);
    }
    if (parks(route, now)) {
      park(route);
      return new Admission.Park(true);
    }
    if (route.isUnwritable() || route.hasLane()) {
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

  private boolean parks(Route route, long now) {
    return lanes.takeMore()
        && route.isBarredSince(now - parkAfterNanos)
        && RecordLimits.isTopicName(route.topic()); // others may have appended anything
  }

  /** Whether what comes of a topic goes to its lane, or would if it came. */
  public boolean parks(String topic, long now) {
    Route route = routes.get(topic);
    return route != null && (route.hasLane() || parks(route, now));
  }

  /** An event that was to go to its lane is on its way there. */
  public void parked(OutboxRecord record) {
    route(record.topic()).parked(record.sequence());
  }

  /** Whether events of topics that can't be written go to lanes. */
  public boolean canPark() {
    return lanes.takeMore();
  }

  /**
   * A topic that is barred has waited long enough, and that it can be written is for its lane to
   * find out. Nothing of it may be on its way.
   */
  public void park(String topic) {
    park(route(topic));
  }

  private void park(Route route) {
    route.park();
    bars.park(route);
    news.add(new LaneNews.Parked(route.topic()));
  }

  /** There is no more room for events that wait: those of barred topics go to their lanes now. */
  public void makeRoom(long now) {
    if (lanes.takeMore()) {
      bars.since(now - parkAfterNanos);
    }
    draining.forEach(route -> route.closeLater(now));
  }

  /**
   * Forgets the bars of topics whose lanes were given up; the next event bars them anew if need be.
   *
   * @param waits whether an event of a topic waits before its lane
   */
  public void lookForGivenUp(Predicate<String> waits) {
    for (Route route : givenUp.look(routes::get, waits)) {
      bars.remove(route);
      news.add(new LaneNews.GivenUp(route.topic()));
    }
  }

  /** What is new of lanes; null if nothing is. */
  public LaneNews news(long now) {
    LaneNews first = news.poll();
    if (first != null) {
      return first;
    }
    int looked = 0;
    for (Route route : draining) {
      LaneNews latest = route.look(lanes, now);
      if (latest instanceof LaneNews.Proven) {
        return latest;
      }
      if (latest != null) {
        draining.remove(route);
        if (latest instanceof LaneNews.Resumed && lanes.hasReplays(route.topic())) {
          replays.add(route.topic(), now);
        }
        lanes.close(route.topic());
        return latest;
      }
      if (++looked == MOST_LOOKED_AT) {
        break; // those behind them do not have their turn yet
      }
    }
    return null;
  }

  /** The event is given up that waited for a partition which its topic does not have. */
  public void forgo(String topic) {
    route(topic).forgo();
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
  public void bar(String topic, Trouble trouble, long retryNanos, long now) {
    Route route = route(topic);
    route.bar(trouble, retryNanos, now);
    bars.add(route);
    questions.plan(route);
    if (draining.remove(route) || replays.interrupt(topic)) {
      lanes.close(topic);
    }
  }

  /**
   * The answer tells nothing of a topic that can't be written; it is asked for again.
   *
   * @param retryNanos when
   */
  public void retry(String topic, long retryNanos) {
    Route route = route(topic);
    route.retry(retryNanos);
    questions.plan(route);
  }

  /** Whether it is known that a topic can't be written, or could not be in an earlier run. */
  public boolean isUnwritable(String topic) {
    Route route = routes.get(topic);
    return route != null && route.isUnwritable();
  }

  /** Whether a topic counts as one that can't be written until its lane has shown that it can. */
  public boolean isUnproven(String topic) {
    Route route = routes.get(topic);
    return route != null && route.isUnproven();
  }

  /** Whether it is known why events of a topic wait: it is barred, or its lane is before them. */
  public boolean keepsBack(String topic) {
    Route route = routes.get(topic);
    return route != null && (route.isUnwritable() || route.hasLane());
  }

  /** What bars a topic, or null. */
  public Trouble bar(String topic) {
    Route route = routes.get(topic);
    return route == null ? null : route.trouble();
  }

  /**
   * What bars the topic that was barred first, of those whose events are in the way of others; null
   * if none is.
   */
  public Trouble firstBar() {
    return bars.first();
  }

  /**
   * Asks for the topics that are barred, as it becomes time, and for those that wait for that; has
   * lanes deliver beside them.
   */
  public void askAgain(long now) {
    for (String topic = lanes.retried(); topic != null; topic = lanes.retried()) {
      Route wanted = routes.get(topic);
      if (wanted != null && wanted.isUnwritable()) {
        wanted.retry(now);
        questions.plan(wanted);
      }
    }
    Question due = questions.next(bars.areMany(), now);
    if (due != null) {
      ask(due, now);
    }
    replays.look(this::route, topic -> ask(topic, now), now);
  }

  /** Asks for a topic, unless an answer is awaited already, or it is asked for by back-off. */
  public void askUnlessBarred(String topic, long now) {
    if (!isUnwritable(topic)) {
      ask(topic, now);
    }
  }

  /** Asks for a topic, unless an answer is awaited already: then it has its turn. */
  public void ask(String topic, long now) {
    Route route = route(topic);
    if (questions.isNext(route, bars.areMany(), now)) {
      ask(new Question.Alone(route), now);
    }
  }

  private void ask(Question question, long now) {
    questions.asked(question, now);
    if (question instanceof Question.Together together) {
      source.askTogether(together.topics());
    } else {
      source.ask(question.topic(), bars.areSeveral());
    }
  }

  /**
   * The answer: it can be written.
   *
   * @return what follows from that together with what was known before; null if nothing does
   */
  public Verdict ready(String topic, int partitions, long now) {
    questions.answered();
    Route route = route(topic);
    Verdict objection = route.ready(partitions, now);
    if (objection == null && route.isUnwritable()) {
      // Its lane begins with the event that is about to come again.
      route.retry(now + NEXT_EVENT_NANOS);
      questions.plan(route);
    } else if (objection == null) {
      bars.remove(route);
      if (route.hasLane()) {
        drain(route);
      }
    }
    return objection;
  }

  private void drain(Route route) {
    replays.leaveTo(route);
    draining.add(route);
    lanes.drain(route.topic(), route.trouble());
  }

  /** The answer: not now; it is up to the caller whether that bars the topic. */
  public void unavailable(String topic) {
    questions.answered();
    Route route = route(topic);
    route.unavailable();
    questions.plan(route);
  }

  /**
   * The answer about many: not these, and it is up to the caller whether that bars them. The others
   * are asked for alone.
   *
   * @param anybody whether there was an answer at all
   */
  public void unavailable(Set<String> topics, boolean anybody, long now) {
    questions.answered(topics, anybody, now).forEach(Route::unavailable);
  }

  /** The topic that was asked for so long ago without an answer; or null. */
  public String unanswered(long now, long nanos) {
    return questions.unanswered(now, nanos);
  }

  /** Whether events of this topic can be sent, as far as is known. */
  public boolean isOpen(String topic, long now) {
    Route route = routes.get(topic);
    return route != null && route.isOpen(now) && source.isConfirmed();
  }

  /** Whether brokers have said since then that a topic is there. */
  public boolean isFoundSince(String topic, long nanos) {
    Route route = routes.get(topic);
    return route != null && route.isFoundSince(nanos);
  }

  /** How many partitions a topic has; 0 if that is not known. */
  public int partitions(String topic) {
    Route route = routes.get(topic);
    return route == null ? 0 : route.partitions();
  }

  /** Another sender follows: of what it writes nobody has heard. */
  public void renew(long now) {
    routes.values().removeIf(route -> !route.isUnwritable() && !route.hasLane());
    routes.values().forEach(route -> route.renew(now));
    questions.renew(bars.all());
    last = null;
  }
}
