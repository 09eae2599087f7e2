package dev.outboxrelay.relay.simulation;

import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.relay.deliver.Completion;
import dev.outboxrelay.relay.deliver.Transport;
import dev.outboxrelay.relay.deliver.route.TopicSource;
import dev.outboxrelay.relay.fact.DeadLetterReason;
import dev.outboxrelay.relay.fact.PauseReason;
import dev.outboxrelay.relay.fact.Verdict;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;

/**
 * Kafka's client on simulated brokers: idempotent, so in order within a partition, and what is
 * acked late is not stored twice; but a broker that has not heard of it takes whatever comes first.
 */
final class SimulatedClient implements Transport, TopicSource {
  private final SimulatedBrokers brokers;
  private final Random random;
  private final Map<String, Deque<Sent>> inFlight = new TreeMap<>();
  private final Queue<Answer> answers = new ArrayDeque<>();

  /** Partitions whose brokers have heard of the present producer. */
  private final Set<String> heard = new HashSet<>();

  private boolean made;
  private boolean ended;
  private String clusterSeen;
  private int settings;
  private int settingsInUse;

  SimulatedClient(SimulatedBrokers brokers, Random random) {
    this.brokers = brokers;
    this.random = random;
  }

  private static final class Sent {
    private final OutboxRecord record;
    private final Completion completion;
    private boolean stored;
    private boolean isOutOfOrder;

    private Sent(OutboxRecord record, Completion completion) {
      this.record = record;
      this.completion = completion;
    }

    private long event() {
      return record.eventId().getLeastSignificantBits();
    }
  }

  private static final class Failure extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private final transient Verdict verdict;

    private Failure(Verdict verdict) {
      super(verdict.error());
      this.verdict = verdict;
    }
  }

  @Override
  public void connect() {
    disconnect();
    settingsInUse = settings;
    made = true;
    answers.add(new Answer.Connected(null));
  }

  @Override
  public void disconnect() {
    made = false;
    ended = false;
    clusterSeen = null;
    heard.clear();
    inFlight.clear();
    answers.clear();
  }

  @Override
  public boolean isOutdated() {
    return settings != settingsInUse;
  }

  void changeSettings() {
    settings++;
  }

  @Override
  public Verdict send(OutboxRecord record, int partition, Completion completion) {
    if (!made) {
      throw new AssertionError("sent without a sender");
    }
    Integer partitions = brokers.told().get(record.topic());
    if (partitions == null || partition >= partitions) {
      return new Verdict.RetryLater("no metadata of " + record.topic());
    }
    int to = partition == ANY ? random.nextInt(partitions) : partition;
    inFlight
        .computeIfAbsent(record.topic() + "-" + to, any -> new ArrayDeque<>())
        .add(new Sent(record, completion));
    return null;
  }

  @Override
  public Verdict judge(String topic, Throwable error) {
    return ((Failure) error).verdict;
  }

  @Override
  public Answer poll() {
    boolean sees = made && !ended && brokers.reachable && answers.isEmpty();
    if (sees && !brokers.cluster.equals(clusterSeen)) {
      boolean replaced = clusterSeen != null;
      clusterSeen = brokers.cluster;
      return new Answer.ClusterSeen(clusterSeen, replaced, null);
    }
    return answers.poll();
  }

  /** What brokers say against a topic; null if nothing. */
  private Verdict.PauseTopic objection(String topic) {
    if (brokers.isToldForbidden(topic)) {
      return new Verdict.PauseTopic(topic, PauseReason.TOPIC_FORBIDDEN, "forbidden");
    }
    return brokers.told().containsKey(topic)
        ? null
        : new Verdict.PauseTopic(topic, PauseReason.TOPIC_MISSING, "missing");
  }

  @Override
  public void askTogether(List<String> topics) {
    Map<String, Verdict.PauseTopic> verdicts = new TreeMap<>();
    for (String topic : topics) {
      if (brokers.reachable && objection(topic) != null) {
        verdicts.put(topic, objection(topic));
      }
    }
    answers.add(new Answer.TopicsUnavailable(verdicts, brokers.reachable));
  }

  @Override
  public void ask(String topic, boolean doubtful) {
    Verdict objection = brokers.reachable ? objection(topic) : new Verdict.RetryLater("away");
    answers.add(
        objection == null
            ? new Answer.TopicReady(topic, brokers.told().get(topic))
            : new Answer.TopicUnavailable(topic, objection));
  }

  @Override
  public int partitionOf(OutboxRecord record, int partitions) {
    return record.key() == null ? ANY : record.key()[0] % partitions;
  }

  @Override
  public int updates() {
    return brokers.updates();
  }

  @Override
  public int partitionsNow(String topic) {
    return brokers.told().getOrDefault(topic, -1);
  }

  @Override
  public boolean isConfirmed() {
    return true;
  }

  @Override
  public boolean isConnected() {
    return brokers.reachable;
  }

  @Override
  public long connectionsMade() {
    return 1;
  }

  @Override
  public long throttledMillis() {
    return 0;
  }

  @Override
  public String describe() {
    return "a simulation";
  }

  @Override
  public void close() {
    disconnect();
  }

  /** Some partition's oldest request is answered; false if there is none that can be. */
  boolean answer() {
    List<String> partitions = new ArrayList<>(inFlight.keySet());
    if (!isServed() || partitions.isEmpty()) {
      return false;
    }
    String partition = partitions.get(random.nextInt(partitions.size()));
    Sent oldest = inFlight.get(partition).peek();
    if (oldest.isOutOfOrder || !isAnswered(partition, oldest)) {
      return false;
    }
    complete(partition, oldest);
    return true;
  }

  private boolean isServed() {
    // What another cluster acks does not count, and what is asked of a client that ended neither.
    return made && !ended && brokers.reachable && brokers.cluster.equals(clusterSeen);
  }

  private boolean isAnswered(String partition, Sent sent) {
    String topic = sent.record.topic();
    Integer partitions = brokers.topics.get(topic);
    int number = Integer.parseInt(partition.substring(topic.length() + 1));
    return partitions != null && number < partitions && !brokers.silent.contains(topic);
  }

  private void complete(String partition, Sent oldest) {
    Deque<Sent> ofPartition = inFlight.get(partition);
    ofPartition.remove(oldest);
    String topic = oldest.record.topic();
    if (!oldest.stored && brokers.forbidden.contains(topic)) {
      fail(oldest, new Verdict.PauseTopic(topic, PauseReason.TOPIC_FORBIDDEN, "forbidden"), true);
    } else if (!oldest.stored
        && (brokers.poison.contains(oldest.event()) || brokers.refusing.contains(topic))) {
      Verdict refused = new Verdict.DeadLetter(DeadLetterReason.INVALID_RECORD, "refused", false);
      boolean alone = oldest.completion.isAlone();
      fail(oldest, refused, !alone);
      if (!alone && !ofPartition.isEmpty() && !ofPartition.peek().stored && random.nextBoolean()) {
        fail(ofPartition.remove(), refused, true); // it was in the same batch
      }
    } else {
      store(oldest);
      heard.add(partition);
      int number = Integer.parseInt(partition.substring(topic.length() + 1));
      oldest.completion.acked(number);
    }
    if (ofPartition.isEmpty()) {
      inFlight.remove(partition);
    }
  }

  private void store(Sent sent) {
    if (!sent.stored) {
      brokers.store(sent.event());
      sent.stored = true;
    }
  }

  private void fail(Sent sent, Verdict verdict, boolean ends) {
    ended |= ends;
    sent.completion.failed(new Failure(verdict));
  }

  /** A partition's oldest record is stored, and its ack is late. */
  void storeWithoutAck() {
    for (Map.Entry<String, Deque<Sent>> each : inFlight.entrySet()) {
      Sent oldest = each.getValue().peek();
      boolean taken =
          !brokers.poison.contains(oldest.event())
              && !brokers.refusing.contains(oldest.record.topic())
              && !brokers.forbidden.contains(oldest.record.topic());
      if (isServed() && taken && !oldest.isOutOfOrder && isAnswered(each.getKey(), oldest)) {
        store(oldest);
        heard.add(each.getKey());
        return;
      }
    }
  }

  /**
   * A partition's oldest request is to be tried again, and the one behind it comes first. Where the
   * broker has heard of the producer it waits for the right one.
   */
  void swap() {
    for (Map.Entry<String, Deque<Sent>> each : inFlight.entrySet()) {
      Sent oldest = each.getValue().peek();
      boolean overtaken =
          isServed()
              && each.getValue().size() > 1
              && !heard.contains(each.getKey())
              && !oldest.isOutOfOrder
              && isAnswered(each.getKey(), oldest);
      if (overtaken) {
        oldest.isOutOfOrder = true;
        for (Sent sent : List.copyOf(each.getValue())) {
          if (sent != oldest && !ended && each.getValue().contains(sent)) {
            complete(each.getKey(), sent);
          }
        }
        return;
      }
    }
  }

  /** The oldest record of some partition fails for good, and with it the client. */
  void failOldest(Verdict verdict, boolean stored) {
    if (!isServed() || inFlight.isEmpty()) {
      return;
    }
    Deque<Sent> any = inFlight.values().iterator().next();
    Sent oldest = any.peek();
    if (stored && !brokers.poison.contains(oldest.event())) {
      store(oldest);
    }
    any.remove();
    if (any.isEmpty()) {
      inFlight.values().remove(any);
    }
    fail(oldest, verdict, true);
  }

  /** Its thread dies. */
  void die() {
    if (made && !ended) {
      ended = true;
      answers.add(new Answer.SenderLost("died"));
    }
  }
}
