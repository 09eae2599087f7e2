package dev.outboxrelay.relay.kafka;

import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.relay.deliver.Completion;
import dev.outboxrelay.relay.deliver.Transport;
import dev.outboxrelay.relay.fact.DeadLetterReason;
import dev.outboxrelay.relay.fact.Verdict;
import dev.outboxrelay.relay.kafka.settings.KafkaSettings;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.apache.kafka.clients.producer.BufferExhaustedException;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.Metric;

/**
 * Kafka's producer as a {@link Transport}. What may block (making and closing producers, asking for
 * topics) happens on one thread of its own. Each producer has an epoch, and answers that belong to
 * an earlier one are dropped.
 */
public final class KafkaTransport implements Transport {
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(2);
  private static final long CLOSE_SECONDS = 5;

  /** No oftener than the client may fetch metadata. */
  private static final long REFRESH_EVERY_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  /** The client forgets a topic after five idle minutes; it is asked for again before that. */
  private static final long TOPIC_IDLE_NANOS = TimeUnit.SECONDS.toNanos(120);

  /** Topics that brokers let nobody else write. */
  private static final Set<String> INTERNAL_TOPICS =
      Set.of(
          "__consumer_offsets", "__transaction_state", "__share_group_state", "__cluster_metadata");

  private final ProducerFactory factory;
  private final RecordTimes times;
  private final RecordMapper mapper;
  private final Supplier<KafkaSettings> settings;
  private final LongSupplier nanos;
  private final ProducerWatch watch;
  private final OtherSide otherSide;
  private final TopicResolver resolver;
  private final Queue<Tagged> answers = new ConcurrentLinkedQueue<>();
  private final Map<String, TopicUse> topics = new HashMap<>();
  private final ExecutorService worker;

  private KafkaSettings settingsInUse;
  private Sender sender;
  private String toldCluster;
  private boolean toldLost;
  private long refreshNanos;
  private TopicUse lastUse;
  private final AtomicInteger epoch = new AtomicInteger();

  /**
   * Connects to nothing yet.
   *
   * @param settings for the next producer; another object means that they have changed
   * @param nanos the monotonic clock
   * @param watch shown each producer that is used
   * @param otherSide who is let near a producer
   */
  public KafkaTransport(
      ProducerFactory factory,
      RecordTimes times,
      Supplier<KafkaSettings> settings,
      LongSupplier nanos,
      ProducerWatch watch,
      OtherSide otherSide) {
    this.factory = factory;
    this.times = times;
    this.mapper = new RecordMapper(times);
    this.settings = settings;
    this.settingsInUse = settings.get();
    this.nanos = nanos;
    this.watch = watch;
    this.otherSide = otherSide;
    this.resolver = new TopicResolver(PATIENCE_NANOS, otherSide);
    this.worker =
        Executors.newSingleThreadExecutor(
            task -> {
              Thread thread = new Thread(task, "outbox-kafka");
              thread.setDaemon(true);
              return thread;
            });
  }

  /** A producer and what keeps it to one cluster. */
  private record Sender(
      Producer<byte[], byte[]> producer, ClusterGuard guard, NetworkThread thread) {}

  /** An answer and the epoch of the producer that it is about; a new producer comes with it. */
  private record Tagged(int epoch, Answer answer, Sender made) {}

  @Override
  public void connect() {
    disconnect();
    int mine = epoch.get();
    KafkaSettings current = settings.get();
    settingsInUse = current;
    worker.execute(() -> answers.add(make(mine, current)));
  }

  @Override
  public boolean isOutdated() {
    return settings.get() != settingsInUse;
  }

  private Tagged make(int mine, KafkaSettings current) {
    try {
      Verdict refusal = otherSide.strangers(current);
      if (refusal != null) {
        return new Tagged(mine, new Answer.ConnectFailed(refusal), null);
      }
      ClusterGuard guard = new ClusterGuard();
      Producer<byte[], byte[]> made = factory.create(current, guard);
      guard.watch(made);
      // Where one cluster is named, delivery shall not seem to begin at another.
      String cluster = otherSide.isPinned() ? guard.await(PATIENCE_NANOS) : null;
      refusal = cluster == null ? null : otherSide.judge(cluster);
      if (refusal != null) {
        made.close(Duration.ZERO);
        return new Tagged(mine, new Answer.ConnectFailed(refusal), null);
      }
      return new Tagged(
          mine, new Answer.Connected(), new Sender(made, guard, NetworkThread.of(made)));
    } catch (RuntimeException e) {
      Verdict verdict = ErrorClassifier.ofUnmade(e);
      return new Tagged(mine, new Answer.ConnectFailed(verdict), null);
    } catch (Error e) {
      // Somebody waits for this answer; without it he would do so for ever.
      Verdict verdict = new Verdict.RebuildAndRewind(e.toString());
      return new Tagged(mine, new Answer.ConnectFailed(verdict), null);
    }
  }

  @Override
  public void disconnect() {
    epoch.incrementAndGet();
    topics.clear();
    lastUse = null;
    toldCluster = null;
    toldLost = false;
    if (sender != null) {
      worker.execute(watch::letGo);
      closeLater(sender);
      sender = null;
    }
  }

  private void closeLater(Sender old) {
    worker.execute(() -> old.producer.close(Duration.ZERO));
  }

  @Override
  public boolean isReady(String topic) {
    if (INTERNAL_TOPICS.contains(topic)) {
      return true; // for send() to refuse
    }
    lastUse = use(topic);
    return lastUse != null && nanos.getAsLong() - lastUse.lastNanos() < TOPIC_IDLE_NANOS;
  }

  private TopicUse use(String topic) {
    return lastUse != null && lastUse.isOf(topic) ? lastUse : topics.get(topic);
  }

  @Override
  public int partitions(String topic) {
    TopicUse use = use(topic);
    return use == null ? 0 : use.partitions();
  }

  @Override
  public boolean introduces(OutboxRecord record) {
    TopicUse use = use(record.topic());
    return use != null && use.introduces(record.key(), nanos.getAsLong());
  }

  @Override
  public void introduced(String topic, int partition) {
    TopicUse use = use(topic);
    if (use != null) {
      use.introduced(partition);
    }
  }

  @Override
  public void resolve(String topic) {
    Producer<byte[], byte[]> asked = sender == null ? null : sender.producer;
    int mine = epoch.get();
    KafkaSettings current = settingsInUse;
    if (asked != null) {
      worker.execute(() -> answers.add(new Tagged(mine, ask(asked, topic, mine, current), null)));
    }
  }

  private Answer ask(
      Producer<byte[], byte[]> asked, String topic, int mine, KafkaSettings current) {
    try {
      Answer answer = resolver.resolve(asked, current, topic, () -> epoch.get() == mine);
      boolean unanswered =
          answer instanceof Answer.TopicUnavailable unavailable
              && unavailable.verdict() instanceof Verdict.RetryLater;
      Verdict stranger = unanswered ? otherSide.strangers(current) : null;
      return stranger == null ? answer : new Answer.TopicUnavailable(topic, stranger);
    } catch (Error e) {
      return new Answer.TopicUnavailable(topic, new Verdict.RebuildAndRewind(e.toString()));
    }
  }

  @Override
  public Verdict send(OutboxRecord record, Completion completion) {
    if (record.timestamp() < 0) {
      // Kafka's client throws on it before it looks at anything else.
      return new Verdict.DeadLetter(
          DeadLetterReason.INVALID_TIMESTAMP, "negative timestamp " + record.timestamp(), true);
    }
    if (INTERNAL_TOPICS.contains(record.topic())) {
      return new Verdict.DeadLetter(
          DeadLetterReason.INTERNAL_TOPIC, record.topic() + " is kept by the brokers", true);
    }
    SendCallback callback =
        new SendCallback(
            sender.guard, completion, times.leadMillis(record), Thread.currentThread());
    Exception refusal;
    try {
      var unused = sender.producer.send(mapper.map(record), callback);
      refusal = callback.refusal();
    } catch (RuntimeException e) {
      refusal = e;
    }
    if (refusal != null) {
      if (!(refusal instanceof BufferExhaustedException)) {
        topics.remove(record.topic());
        lastUse = null;
      }
      return ErrorClassifier.ofRefused(record.topic(), refusal);
    }
    if (lastUse != null) {
      lastUse.used(nanos.getAsLong());
    }
    return null;
  }

  @Override
  public Verdict judge(String topic, Throwable error) {
    if (error instanceof AheadOfTime ahead) {
      times.refused(topic, ahead.leadMillis());
      return new Verdict.RebuildAndRewind(ErrorClassifier.describe(error));
    }
    return ErrorClassifier.ofFailed(topic, error);
  }

  @Override
  public Answer poll() {
    Answer first = sender == null ? null : look();
    if (first != null) {
      return first;
    }
    for (Tagged tagged = answers.poll(); tagged != null; tagged = answers.poll()) {
      if (tagged.epoch == epoch.get()) {
        return accept(tagged);
      }
      if (tagged.made != null) {
        closeLater(tagged.made);
      }
    }
    return null;
  }

  /** What is new of the sender itself, or null. */
  private Answer look() {
    if (!toldLost && sender.thread.isDead()) {
      toldLost = true;
      otherSide.forget();
      return new Answer.SenderLost(sender.thread.obituary());
    }
    String unconfirmed = sender.guard.unconfirmedTopic();
    if (unconfirmed != null && nanos.getAsLong() - refreshNanos >= 0) {
      refreshNanos = nanos.getAsLong() + REFRESH_EVERY_NANOS;
      Producer<byte[], byte[]> asked = sender.producer;
      worker.execute(() -> refresh(asked, unconfirmed));
    }
    String latest = sender.guard.latest();
    if (latest == null || latest.equals(toldCluster)) {
      return null;
    }
    toldCluster = latest;
    return new Answer.ClusterSeen(latest, sender.guard.isReplaced(), otherSide.judge(latest));
  }

  /**
   * Has metadata fetched, for which Kafka's client has no call: it looks for a partition that it
   * does not know, and never sends.
   */
  private static void refresh(Producer<byte[], byte[]> producer, String topic) {
    try {
      var unused = producer.send(new ProducerRecord<>(topic, Integer.MAX_VALUE, null, new byte[0]));
    } catch (RuntimeException e) {
      // The producer was closed meanwhile.
    }
  }

  private Answer accept(Tagged tagged) {
    if (tagged.made != null) {
      sender = tagged.made;
      worker.execute(() -> watch.using(tagged.made.producer));
    } else if (tagged.answer instanceof Answer.TopicReady ready) {
      lastUse = null;
      long now = nanos.getAsLong();
      TopicUse before = topics.get(ready.topic());
      topics.put(
          ready.topic(),
          before == null
              ? new TopicUse(ready.topic(), ready.partitions(), now)
              : before.again(ready.partitions(), now));
      if (before != null && before.partitions() > ready.partitions()) {
        // What was sent to a partition that is gone waits there, for the client will not move it.
        String error = "topic " + ready.topic() + " was created anew with fewer partitions";
        return new Answer.TopicUnavailable(ready.topic(), new Verdict.RebuildAndRewind(error));
      }
    }
    return tagged.answer;
  }

  @Override
  public boolean isConnected() {
    return connections() > 0;
  }

  @Override
  public String describe() {
    int connections = connections();
    return connections == 0
        ? "no connection to " + settingsInUse.bootstrapServers()
        : connections + " connections to brokers";
  }

  private int connections() {
    if (sender != null) {
      for (Metric metric : sender.producer.metrics().values()) {
        if (metric.metricName().name().equals("connection-count")
            && metric.metricName().group().equals("producer-metrics")
            && metric.metricValue() instanceof Double connections) {
          return connections.intValue();
        }
      }
    }
    return 0;
  }

  @Override
  public void close() {
    disconnect();
    worker.shutdown();
    try {
      if (!worker.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS)) {
        worker.shutdownNow();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
