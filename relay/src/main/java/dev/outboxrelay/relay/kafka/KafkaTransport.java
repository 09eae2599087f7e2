package dev.outboxrelay.relay.kafka;

import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.relay.config.Partitioner;
import dev.outboxrelay.relay.config.RecordTimestamp;
import dev.outboxrelay.relay.deliver.Completion;
import dev.outboxrelay.relay.deliver.Transport;
import dev.outboxrelay.relay.fact.DeadLetterReason;
import dev.outboxrelay.relay.fact.PauseReason;
import dev.outboxrelay.relay.fact.Verdict;
import dev.outboxrelay.relay.kafka.settings.KafkaSettings;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.apache.kafka.clients.producer.BufferExhaustedException;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.common.Metric;

/**
 * Kafka's producer as a {@link Transport}. What may block (making and closing producers, asking for
 * topics) happens on one thread of its own. Each producer has an epoch, and answers that belong to
 * an earlier one are dropped.
 */
public final class KafkaTransport implements Transport {
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(2);
  private static final long CLOSE_SECONDS = 5;

  /** The client forgets a topic after five idle minutes; it is asked for again before that. */
  private static final long TOPIC_IDLE_NANOS = TimeUnit.SECONDS.toNanos(120);

  private final ProducerFactory factory;
  private final RecordMapper mapper;
  private final Partitioning partitioning;
  private final Supplier<KafkaSettings> settings;
  private final LongSupplier nanos;
  private final ProducerWatch watch;
  private final TopicResolver resolver = new TopicResolver(PATIENCE_NANOS);
  private final Queue<Tagged> answers = new ConcurrentLinkedQueue<>();
  private final KnownTopics topics = new KnownTopics();
  private final ExecutorService worker;

  private KafkaSettings settingsInUse;
  private Producer<byte[], byte[]> producer;
  private final AtomicInteger epoch = new AtomicInteger();

  /**
   * Connects to nothing yet.
   *
   * @param partitioner chooses where keys go
   * @param settings for the next producer; another object means that they have changed
   * @param nanos the monotonic clock
   * @param watch shown each producer that is used
   */
  public KafkaTransport(
      ProducerFactory factory,
      RecordTimestamp timestamp,
      Partitioner partitioner,
      Supplier<KafkaSettings> settings,
      LongSupplier nanos,
      ProducerWatch watch) {
    this.factory = factory;
    this.mapper = new RecordMapper(timestamp);
    this.partitioning = new Partitioning(partitioner);
    this.settings = settings;
    this.settingsInUse = settings.get();
    this.nanos = nanos;
    this.watch = watch;
    this.worker =
        Executors.newSingleThreadExecutor(
            task -> {
              Thread thread = new Thread(task, "outbox-kafka");
              thread.setDaemon(true);
              return thread;
            });
  }

  /** An answer and the epoch of the producer that it is about; a new producer comes with it. */
  private record Tagged(int epoch, Answer answer, Producer<byte[], byte[]> made) {}

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
      return new Tagged(mine, new Answer.Connected(), factory.create(current));
    } catch (RuntimeException e) {
      Verdict verdict = ErrorClassifier.ofUnmade(e);
      return new Tagged(mine, new Answer.ConnectFailed(verdict), null);
    }
  }

  @Override
  public void disconnect() {
    epoch.incrementAndGet();
    topics.clear();
    if (producer != null) {
      worker.execute(watch::letGo);
      closeLater(producer);
      producer = null;
    }
  }

  private void closeLater(Producer<byte[], byte[]> old) {
    worker.execute(() -> old.close(Duration.ZERO));
  }

  @Override
  public boolean isReady(String topic) {
    TopicUse use = topics.use(topic);
    if (use == null || nanos.getAsLong() - use.lastNanos() >= TOPIC_IDLE_NANOS) {
      return false;
    }
    if (partitionsNow(topic) == use.partitions()) {
      return true;
    }
    // Asked for anew, and not by this thread.
    use.used(nanos.getAsLong() - TOPIC_IDLE_NANOS);
    return false;
  }

  /** As the producer knows it at this moment, mostly without asking anybody; −1 if it does not. */
  private int partitionsNow(String topic) {
    try {
      return producer.partitionsFor(topic).size();
    } catch (RuntimeException e) {
      return -1;
    }
  }

  @Override
  public int partitions(String topic) {
    TopicUse use = topics.use(topic);
    return use == null ? 0 : use.partitions();
  }

  @Override
  public boolean introduces(OutboxRecord record) {
    TopicUse use = topics.use(record.topic());
    return use != null && use.introduces(partitioning.of(record, use.partitions()));
  }

  @Override
  public void introduced(String topic, int partition) {
    TopicUse use = topics.use(topic);
    if (use != null) {
      use.introduced(partition);
    }
  }

  @Override
  public void resolve(String topic) {
    Producer<byte[], byte[]> asked = producer;
    int mine = epoch.get();
    if (asked != null) {
      worker.execute(
          () ->
              answers.add(
                  new Tagged(
                      mine, resolver.resolve(asked, topic, () -> epoch.get() == mine), null)));
    }
  }

  @Override
  public Verdict send(OutboxRecord record, Completion completion) {
    if (record.timestamp() < 0) {
      // Kafka's client throws on it before it looks at anything else.
      return new Verdict.DeadLetter(
          DeadLetterReason.INVALID_TIMESTAMP, "negative timestamp " + record.timestamp(), true);
    }
    TopicUse use = topics.use(record.topic());
    if (use == null) {
      return new Verdict.RetryLater("topic " + record.topic() + " was not asked for yet");
    }
    int partition = partitioning.of(record, use.partitions());
    if (partition >= use.partitions()) {
      return topics.want(use, record.topic(), partition);
    }
    SendCallback callback = new SendCallback(completion, Thread.currentThread());
    Exception refusal;
    try {
      var unused = producer.send(mapper.map(record, partition), callback);
      refusal = callback.refusal();
    } catch (RuntimeException e) {
      refusal = e;
    } catch (LinkageError e) {
      // A library that the settings call for, a codec's for example.
      return new Verdict.PauseAll(PauseReason.CONFIGURATION, ErrorClassifier.describe(e));
    }
    if (refusal != null) {
      if (!(refusal instanceof BufferExhaustedException)) {
        topics.forget(record.topic());
      }
      return ErrorClassifier.ofRefused(record.topic(), refusal);
    }
    use.used(nanos.getAsLong());
    return null;
  }

  @Override
  public Verdict judge(String topic, Throwable error) {
    return ErrorClassifier.ofFailed(topic, error);
  }

  @Override
  public Answer poll() {
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

  private Answer accept(Tagged tagged) {
    if (tagged.made != null) {
      producer = tagged.made;
      worker.execute(() -> watch.using(tagged.made));
    } else if (tagged.answer instanceof Answer.TopicReady ready) {
      return topics.accept(ready, nanos.getAsLong());
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
    if (producer != null) {
      for (Metric metric : producer.metrics().values()) {
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
