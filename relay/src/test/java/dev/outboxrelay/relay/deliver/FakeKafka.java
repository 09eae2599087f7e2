package dev.outboxrelay.relay.deliver;

import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.relay.deliver.route.TopicSource;
import dev.outboxrelay.relay.fact.DeadLetterReason;
import dev.outboxrelay.relay.fact.PauseReason;
import dev.outboxrelay.relay.fact.Verdict;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;

/**
 * Kafka in memory, with its client: topics that may be missing, records that it refuses, acks that
 * come when the test wants them to.
 */
final class FakeKafka implements Transport, TopicSource {
  /** What Kafka has, in the order in which it came. */
  final List<Long> log = new ArrayList<>();

  final Set<String> topics = new HashSet<>();
  final Set<Long> poison = new HashSet<>();
  boolean reachable = true;

  /** Why no sender can be made; null if one can. */
  Verdict unmade;

  /** Addresses where something else answers. */
  String leftOut;

  /** What the next sender is made with, and what the present one was made with. */
  int settings;

  private int settingsInUse;

  /** Of every topic; events have no key, so there is an order, and an introduction, only in one. */
  int partitions = 2;

  /** Records that are neither taken nor refused, whatever others of their topics are. */
  final Set<Long> ignored = new HashSet<>();

  /** Which cluster is there now; another one begins without any record. */
  String cluster = "A";

  /** What the clusters that were there before have. */
  final List<Long> former = new ArrayList<>();

  /** Topics whose brokers refuse everything, until somebody mends them. */
  final Set<String> refusing = new HashSet<>();

  /** Topics whose records are neither taken nor refused, as with too few in-sync replicas. */
  final Set<String> silent = new HashSet<>();

  /** Why the cluster that is there may not be written; null if it may. */
  Verdict refusedCluster;

  /** Why the sender itself takes no record; null if it takes them. */
  Verdict unsent;

  /** When acks count. */
  Acks acks = Acks.AT_ONCE;

  /** Whether what blocks hangs, so that no question is answered. */
  boolean hanging;

  private String unanswered;

  private String sendersCluster;
  private final Deque<Sent> inFlight = new ArrayDeque<>();
  private final Queue<Answer> answers = new ArrayDeque<>();
  private boolean connected;

  /** What the present cluster has acked to the relay that runs, and of which topic it is. */
  private final Map<Long, String> acked = new HashMap<>();

  /** What was handed to the present sender and is not acked. */
  private final Map<Long, String> unacked = new HashMap<>();

  /**
   * What was acked before a sender was discarded, and had nothing unacked of its topic before it.
   */
  private final Set<Long> known = new HashSet<>();

  /** Of that, what was sent again. */
  final List<Long> needless = new ArrayList<>();

  int connects;
  int questions;
  int questionsForMany;
  int sends;

  /** By the present sender. */
  long connectionsMade;

  /** How long brokers have it wait. */
  long throttledMillis;

  private record Sent(OutboxRecord record, Completion completion) {}

  /** How a send fails. */
  static final class Failure extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private final transient Verdict verdict;

    Failure(Verdict verdict) {
      super(verdict.error());
      this.verdict = verdict;
    }
  }

  @Override
  public void connect() {
    disconnect();
    connects++;
    settingsInUse = settings;
    if (unmade != null) {
      answers.add(new Answer.ConnectFailed(unmade));
      return;
    }
    connected = true;
    sendersCluster = null;
    answers.add(new Answer.Connected(leftOut));
  }

  @Override
  public void disconnect() {
    acked.forEach(
        (sequence, topic) -> {
          boolean isBehind =
              unacked.entrySet().stream()
                  .anyMatch(each -> each.getKey() < sequence && each.getValue().equals(topic));
          if (!isBehind) {
            known.add(sequence);
          }
        });
    acked.clear();
    unacked.clear();
    connected = false;
    inFlight.clear();
    answers.clear();
    unanswered = null;
  }

  @Override
  public boolean isOutdated() {
    return settings != settingsInUse;
  }

  @Override
  public int partitionOf(OutboxRecord record, int ofTopic) {
    return record.partition() == null ? ANY : record.partition();
  }

  @Override
  public int updates() {
    return 0;
  }

  @Override
  public int partitionsNow(String topic) {
    return partitions;
  }

  @Override
  public boolean isConfirmed() {
    return true;
  }

  @Override
  public void ask(String topic, boolean doubtful) {
    questions++;
    if (hanging) {
      unanswered = topic;
    } else if (!reachable) {
      answers.add(new Answer.TopicUnavailable(topic, new Verdict.RetryLater("away")));
    } else if (topics.contains(topic)) {
      answers.add(new Answer.TopicReady(topic, partitions));
    } else {
      answers.add(
          new Answer.TopicUnavailable(
              topic, new Verdict.PauseTopic(topic, PauseReason.TOPIC_MISSING, "missing")));
    }
  }

  @Override
  public void askTogether(List<String> asked) {
    questionsForMany++;
    Map<String, Verdict.PauseTopic> missing = new LinkedHashMap<>();
    for (String topic : asked) {
      if (reachable && !topics.contains(topic)) {
        missing.put(topic, new Verdict.PauseTopic(topic, PauseReason.TOPIC_MISSING, "missing"));
      }
    }
    answers.add(new Answer.TopicsUnavailable(missing, reachable));
  }

  @Override
  public Verdict send(OutboxRecord record, int partition, Completion completion) {
    if (!connected) {
      throw new AssertionError("sent without a sender");
    }
    sends++;
    if (known.contains(record.sequence())) {
      needless.add(record.sequence());
    }
    if (unsent != null) {
      return unsent;
    }
    inFlight.add(new Sent(record, completion));
    acked.remove(record.sequence());
    unacked.put(record.sequence(), record.topic());
    return null;
  }

  @Override
  public Acks acks() {
    return acks;
  }

  @Override
  public Verdict judge(String topic, Throwable error) {
    return ((Failure) error).verdict;
  }

  @Override
  public Answer poll() {
    if (hanging) {
      return null;
    }
    if (unanswered != null) {
      String topic = unanswered;
      unanswered = null;
      ask(topic, false);
    }
    if (connected && reachable && answers.isEmpty() && !cluster.equals(sendersCluster)) {
      boolean replaced = sendersCluster != null;
      sendersCluster = cluster;
      return new Answer.ClusterSeen(cluster, replaced, refusedCluster);
    }
    return answers.poll();
  }

  /** The sender ends, and nobody completes what it holds. */
  void loseSender(String error) {
    inFlight.clear();
    answers.add(new Answer.SenderLost(error));
  }

  /** Another cluster takes the place of the present one: nobody answers for that any more. */
  void replaceCluster(String id) {
    cluster = id;
    former.addAll(log);
    log.clear();
    acked.clear();
    known.clear();
  }

  int inFlight() {
    return inFlight.size();
  }

  /** Where the results of what is in flight go, oldest first. */
  Completion[] completions() {
    return inFlight.stream().map(Sent::completion).toArray(Completion[]::new);
  }

  /** The oldest record in flight that is to be answered; null if there is none. */
  private Sent next() {
    return inFlight.stream()
        .filter(sent -> !silent.contains(sent.record.topic()))
        .filter(sent -> !ignored.contains(sent.record.sequence()))
        .findFirst()
        .orElse(null);
  }

  /** Answers the oldest record in flight: takes it, or refuses it if it is poison. */
  boolean answerOldest() {
    Sent sent = reachable ? next() : null;
    if (sent == null) {
      return false;
    }
    inFlight.remove(sent);
    if (sendersCluster != null && !sendersCluster.equals(cluster)) {
      return true; // the guard of the real one: what another cluster acks does not count
    }
    if (poison.contains(sent.record.sequence()) || refusing.contains(sent.record.topic())) {
      sent.completion.failed(
          new Failure(new Verdict.DeadLetter(DeadLetterReason.INVALID_RECORD, "poison", false)));
    } else {
      take(sent, 0);
    }
    return true;
  }

  private void take(Sent sent, int partition) {
    log.add(sent.record.sequence());
    unacked.remove(sent.record.sequence());
    acked.put(sent.record.sequence(), sent.record.topic());
    sent.completion.acked(partition);
  }

  /** The relay has died, and with it what it knew. */
  void relayDied() {
    disconnect();
    acked.clear();
    known.clear();
  }

  /** Takes all but the oldest record, as a broker does that did not know the sender before. */
  void answerAllButTheOldest(int... inTurn) {
    Sent oldest = inFlight.poll();
    int count = 0;
    for (Sent sent : inFlight) {
      take(sent, inTurn[count++ % inTurn.length]);
    }
    inFlight.clear();
    inFlight.add(oldest);
  }

  void answerAll() {
    while (answerOldest()) {
      // Until none is left.
    }
  }

  /** Fails the oldest record; with {@code stored} the ack alone was lost. */
  void failOldest(Verdict verdict, boolean stored) {
    Sent sent = inFlight.poll();
    if (sent != null) {
      if (stored && !poison.contains(sent.record.sequence())) {
        log.add(sent.record.sequence());
      }
      sent.completion.failed(new Failure(verdict));
    }
  }

  @Override
  public boolean isConnected() {
    return reachable;
  }

  @Override
  public long connectionsMade() {
    return connectionsMade;
  }

  @Override
  public long throttledMillis() {
    return throttledMillis;
  }

  @Override
  public String describe() {
    return "a fake";
  }

  @Override
  public void close() {
    disconnect();
  }
}
