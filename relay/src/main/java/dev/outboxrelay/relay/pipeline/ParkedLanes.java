package dev.outboxrelay.relay.pipeline;

import dev.outboxrelay.relay.deliver.route.Lanes;
import dev.outboxrelay.relay.fact.Cause;
import dev.outboxrelay.relay.fact.PauseReason;
import dev.outboxrelay.relay.fact.Trouble;
import dev.outboxrelay.relay.fact.Verdict;
import dev.outboxrelay.relay.pipeline.Service.Stage;
import dev.outboxrelay.relay.settle.ParkedStore;
import dev.outboxrelay.relay.settle.ParkedTopic;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BiFunction;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;

/**
 * The lanes of an outbox: what is parked of a topic is an outbox of its own, delivered by a
 * pipeline of its own. A few deliver at a time, in the order in which they were asked for. For the
 * delivery thread.
 */
final class ParkedLanes implements Lanes, AutoCloseable {
  /** Each has a producer and four threads. */
  static final int MOST_OPEN = 4;

  /** Who settles nothing for so long leaves the turn to others. */
  static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(10);

  private static final Verdict IDLE =
      new Verdict.RetryLater("its lane has settled nothing for 10 s");

  private static final long LAST_WAIT_NANOS = TimeUnit.SECONDS.toNanos(2);
  private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

  private final ParkedStore parked;
  private final BiFunction<String, Trouble, Service> opener;
  private final boolean takeMore;
  private final LongSupplier nanos;
  private final Map<String, Turn> turns = new LinkedHashMap<>();

  /** Which have not come to their end yet. */
  private final Map<String, Service> closing = new HashMap<>();

  private int open;
  private boolean stopping;

  /**
   * None is open.
   *
   * @param opener begins to serve what is parked of a topic, which was barred for something or null
   * @param takeMore whether further topics get lanes, and not only those that have one
   * @param nanos the monotonic clock
   */
  ParkedLanes(
      ParkedStore parked,
      BiFunction<String, Trouble, Service> opener,
      boolean takeMore,
      LongSupplier nanos) {
    this.parked = parked;
    this.opener = opener;
    this.takeMore = takeMore;
    this.nanos = nanos;
  }

  private static final class Turn {
    private final Trouble barredBefore;
    private Service service; // null while others have their turn
    private long settled = -1;
    private long settledBefore;
    private boolean stuck;
    private long progressNanos;

    private Turn(Trouble barredBefore) {
      this.barredBefore = barredBefore;
    }
  }

  @Override
  public boolean takeMore() {
    return takeMore;
  }

  @Override
  public Set<String> left() {
    return parked.topics().entrySet().stream()
        .filter(topic -> topic.getValue().keepsOrder())
        .map(Map.Entry::getKey)
        .collect(Collectors.toSet());
  }

  @Override
  public long lastParked(String topic) {
    return parked.lastParked(topic);
  }

  @Override
  public boolean isEmpty(String topic, long lastSequence) {
    if (parked.lastParked(topic) < lastSequence) {
      return false; // it is on its way there
    }
    PipelineStatus status = status(turns.get(topic));
    return status != null && status.savedSequence() >= parked.topic(topic).orderedSequence();
  }

  @Override
  public boolean hasReplays(String topic) {
    ParkedTopic waiting = parked.topic(topic);
    PipelineStatus status = status(turns.get(topic));
    long saved = status == null ? waiting.settledSequence() : status.savedSequence();
    return saved < waiting.appendedSequence();
  }

  private static PipelineStatus status(Turn turn) {
    boolean open = turn != null && turn.service != null;
    return open && turn.service.stage() instanceof Stage.Open stage
        ? stage.outbox().status()
        : null;
  }

  @Override
  public void drain(String topic, Trouble barredBefore) {
    if (!stopping) {
      turns.putIfAbsent(topic, new Turn(barredBefore));
    }
  }

  @Override
  public void close(String topic) {
    Turn turn = turns.remove(topic);
    if (turn != null) {
      suspend(topic, turn);
    }
  }

  @Override
  public String replayed() {
    return parked.pollReplayed();
  }

  @Override
  public String retried() {
    return parked.pollRetry();
  }

  @Override
  public String discarded() {
    return parked.pollDiscarded();
  }

  @Override
  public Progress progress(String topic) {
    Turn turn = turns.get(topic);
    if (turn == null) {
      return new Progress.Waiting();
    }
    if (parked.isDiscarded(topic)) {
      suspend(topic, turn);
      return new Progress.Waiting();
    }
    if (turn.service == null) {
      return begin(topic, turn);
    }
    Stage stage = turn.service.stage();
    if (stage instanceof Stage.Opening) {
      return new Progress.Waiting();
    } else if (stage instanceof Stage.Refused refused) {
      return stuck(topic, "its lane can't be opened: " + refused.cause().getMessage());
    } else if (stage instanceof Stage.Ended ended) {
      return stuck(topic, "its lane has ended: " + ended.end());
    }
    return delivering(topic, turn, status(turn));
  }

  private void suspend(String topic, Turn turn) {
    if (turn.service != null) {
      open--;
      if (turn.stuck) {
        turn.service.giveUp(); // others wait for their turn
      } else {
        turn.service.stop();
      }
      closing.put(topic, turn.service);
      turn.service = null;
    }
  }

  @Override
  public boolean hasSettled(String topic) {
    Turn turn = turns.get(topic);
    return turn != null && turn.service != null && turn.settled > turn.settledBefore;
  }

  private Progress begin(String topic, Turn turn) {
    if (parked.isStaged(topic)) {
      parked.hurry(topic);
      return new Progress.Waiting();
    }
    if (parked.topic(topic).appendedSequence() == 0) {
      return new Progress.Waiting(); // the first event is on its way there
    }
    forgetEnded();
    if (!stopping && open + closing.size() < MOST_OPEN && !closing.containsKey(topic)) {
      turn.progressNanos = nanos.getAsLong();
      turn.settledBefore = parked.topic(topic).settledSequence();
      try {
        turn.service = opener.apply(topic, turn.barredBefore);
        open++;
      } catch (PipelineRefused e) {
        return stuck(topic, e.getMessage());
      }
    }
    return new Progress.Waiting();
  }

  private Progress delivering(String topic, Turn turn, PipelineStatus status) {
    ParkedTopic waiting = parked.topic(topic);
    if (parked.isStaged(topic)) {
      parked.hurry(topic);
    }
    long now = nanos.getAsLong();
    boolean moves = status == null || status.settledSequence() != turn.settled;
    if (moves || status.settledSequence() >= waiting.appendedSequence()) {
      turn.settled = status == null ? -1 : status.settledSequence();
      turn.progressNanos = now;
    } else if (now - turn.progressNanos >= PATIENCE_NANOS) {
      Verdict verdict = status.trouble().map(each -> verdict(topic, each.cause())).orElse(IDLE);
      if (!(verdict instanceof Verdict.Throttled) || othersWait()) {
        turn.stuck = true;
        return new Progress.Stuck(verdict);
      }
    }
    long settled = Math.max(turn.settled, waiting.settledSequence());
    return new Progress.Delivering(Math.max(0, waiting.orderedSequence() - settled));
  }

  private boolean othersWait() {
    return turns.values().stream().anyMatch(turn -> turn.service == null);
  }

  private static Verdict verdict(String topic, Cause cause) {
    return cause instanceof Verdict verdict ? verdict : ofLane(topic, cause.error());
  }

  private static Verdict ofLane(String topic, String error) {
    return new Verdict.PauseTopic(topic, PauseReason.LANE, error);
  }

  private static Progress stuck(String topic, String error) {
    return new Progress.Stuck(ofLane(topic, error));
  }

  /** None delivers from now on, and none begins. */
  void stop() {
    stopping = true;
    new ArrayList<>(turns.keySet()).forEach(this::close);
  }

  /** Whether all have come to their end. */
  boolean haveEnded() {
    forgetEnded();
    return turns.isEmpty() && closing.isEmpty();
  }

  /** Ends them all, and waits for that, for a while: they write to the outbox's files. */
  @Override
  public void close() {
    stop();
    long begin = System.nanoTime();
    while (!haveEnded() && System.nanoTime() - begin < LAST_WAIT_NANOS) {
      LockSupport.parkNanos(this, PAUSE_NANOS);
    }
  }

  private void forgetEnded() {
    for (Iterator<Service> each = closing.values().iterator(); each.hasNext(); ) {
      Stage stage = each.next().stage();
      if (stage instanceof Stage.Ended || stage instanceof Stage.Refused) {
        each.remove();
      }
    }
  }
}
