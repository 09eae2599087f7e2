package dev.outboxrelay.relay.kafka;

import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.relay.config.Partitioner;
import dev.outboxrelay.relay.deliver.Completion;
import dev.outboxrelay.relay.deliver.Transport;
import dev.outboxrelay.relay.deliver.route.TopicSource;
import dev.outboxrelay.relay.fact.PauseReason;
import dev.outboxrelay.relay.fact.Verdict;
import dev.outboxrelay.relay.kafka.settings.KafkaSettings;
import dev.outboxrelay.relay.rounds.WorkThread;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntFunction;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.apache.kafka.clients.producer.Producer;

/**
 * Kafka's producer as a {@link Transport} and a {@link TopicSource}. What may block (making and
 * closing producers, asking for topics) happens on one thread of its own. Each producer has an
 * epoch, and answers that belong to an earlier one are dropped.
 */
public final class KafkaTransport implements Transport, TopicSource {
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(2);
  private static final long CLOSE_SECONDS = 1;

  private final ProducerFactory factory;
  private final RecordTimes times;
  private final RecordMapper mapper;
  private final Partitioning partitioning;
  private final Supplier<KafkaSettings> settings;
  private final LongSupplier nanos;
  private final ProducerWatch watch;
  private final OtherSide otherSide;
  private final TopicQuestions questions; // the worker's
  private final Queue<Tagged> answers = new ConcurrentLinkedQueue<>();
  private final ExecutorService worker;

  private KafkaSettings settingsInUse;
  private Sender sender;
  private boolean wasConnected;
  private final AtomicInteger epoch = new AtomicInteger();

  /**
   * Connects to nothing yet.
   *
   * @param partitioner chooses where keys go
   * @param settings for the next producer; another object means that they have changed
   * @param nanos the monotonic clock
   * @param watch shown each producer that is used
   * @param otherSide who is let near a producer
   */
  public KafkaTransport(
      ProducerFactory factory,
      RecordTimes times,
      Partitioner partitioner,
      Supplier<KafkaSettings> settings,
      LongSupplier nanos,
      ProducerWatch watch,
      OtherSide otherSide) {
    this.factory = factory;
    this.times = times;
    this.mapper = new RecordMapper(times);
    this.partitioning = new Partitioning(partitioner);
    this.settings = settings;
    this.settingsInUse = settings.get();
    this.nanos = nanos;
    this.watch = watch;
    this.otherSide = otherSide;
    this.questions =
        new TopicQuestions(
            factory.lookup(), factory.survey(), new TopicResolver(PATIENCE_NANOS, otherSide));
    this.worker = Executors.newSingleThreadExecutor(task -> new WorkThread(task, "outbox-kafka"));
  }

  /**
   * An answer and the epoch of the producer that it is about; a new producer comes with it, or what
   * it lacked.
   */
  private record Tagged(int epoch, Answer answer, Sender made, WorkThread.Unavailable lack) {
    Tagged(int epoch, Answer answer, Sender made) {
      this(epoch, answer, made, null);
    }
  }

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
    return settings.get() != settingsInUse || (sender != null && sender.isOutdated());
  }

  private Tagged make(int mine, KafkaSettings current) {
    try {
      Bootstrap bootstrap = otherSide.look(current);
      Verdict refusal = bootstrap.refusal();
      if (refusal != null) {
        return new Tagged(mine, new Answer.ConnectFailed(refusal), null);
      }
      ClusterGuard guard = new ClusterGuard(otherSide.clusterId());
      Producer<byte[], byte[]> made = factory.create(bootstrap.usable(), guard);
      guard.watch(made);
      // Where one cluster is named, delivery shall not seem to begin at another.
      String cluster = otherSide.clusterId().isPresent() ? guard.awaitFirst(PATIENCE_NANOS) : null;
      refusal = cluster == null ? null : otherSide.judge(cluster);
      if (refusal != null) {
        made.close(Duration.ZERO);
        return new Tagged(mine, new Answer.ConnectFailed(refusal), null);
      }
      return new Tagged(
          mine,
          new Answer.Connected(bootstrap.complaint()),
          new Sender(made, guard, bootstrap, nanos.getAsLong()));
    } catch (WorkThread.Unavailable e) {
      Verdict later = new Verdict.RebuildAndRewind(e.getMessage());
      return new Tagged(mine, new Answer.ConnectFailed(later), null, e);
    } catch (RuntimeException e) {
      Verdict verdict = ErrorClassifier.ofUnmade(e);
      return new Tagged(mine, new Answer.ConnectFailed(verdict), null);
    } catch (OutOfMemoryError e) {
      throw e; // the end of the process
    } catch (Error e) {
      // Somebody waits for this answer; without it he would do so for ever.
      Verdict verdict = new Verdict.RebuildAndRewind(e.toString());
      return new Tagged(mine, new Answer.ConnectFailed(verdict), null);
    }
  }

  @Override
  public void disconnect() {
    epoch.incrementAndGet();
    if (sender != null) {
      worker.execute(watch::letGo);
      worker.execute(questions::close);
      closeLater(sender);
      sender = null;
    }
  }

  private void closeLater(Sender old) {
    worker.execute(old::close);
  }

  @Override
  public boolean isConfirmed() {
    return otherSide.clusterId().isEmpty() || (sender != null && sender.guard().isConfirmed());
  }

  @Override
  public int updates() {
    return sender == null ? 0 : sender.guard().updates();
  }

  /** Mostly without asking anybody. */
  @Override
  public int partitionsNow(String topic) {
    try {
      return sender.producer().partitionsFor(topic).size();
    } catch (RuntimeException e) {
      return -1;
    }
  }

  @Override
  public int partitionOf(OutboxRecord record, int partitions) {
    return partitioning.of(record, partitions);
  }

  @Override
  public void ask(String topic, boolean doubtful) {
    Sender asked = sender;
    answerLater(mine -> questions.ask(asked, topic, doubtful, () -> epoch.get() == mine));
  }

  @Override
  public void askTogether(List<String> topics) {
    Sender asked = sender;
    answerLater(mine -> questions.askTogether(asked, topics));
  }

  private void answerLater(IntFunction<Answer> question) {
    int mine = epoch.get();
    if (sender != null) {
      worker.execute(() -> answers.add(new Tagged(mine, question.apply(mine), null)));
    }
  }

  @Override
  public Verdict send(OutboxRecord record, int partition, Completion completion) {
    SendCallback callback =
        new SendCallback(sender, completion, times.leadMillis(record), Thread.currentThread());
    Exception refusal;
    try {
      var unused = sender.producer().send(mapper.map(record, partition), callback);
      refusal = callback.refusal();
    } catch (RuntimeException e) {
      refusal = e;
    } catch (LinkageError e) {
      // A library that the settings call for, a codec's for example.
      return new Verdict.PauseAll(PauseReason.CONFIGURATION, ErrorClassifier.describe(e));
    }
    if (refusal != null && sender.isEnded()) {
      return new Verdict.RetryLater("the sender has ended"); // why is told in the next turn
    }
    return refusal == null ? null : ErrorClassifier.ofRefused(record.topic(), refusal);
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
    Answer first = sender == null ? null : sender.look(nanos.getAsLong(), otherSide, worker);
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

  private Answer accept(Tagged tagged) {
    if (tagged.lack != null && !wasConnected) {
      // Who begins and cannot have all threads gives back the others: all would wait for all.
      throw tagged.lack;
    }
    if (tagged.made != null) {
      wasConnected = true;
      sender = tagged.made;
      worker.execute(() -> watch.using(tagged.made.producer()));
    }
    return tagged.answer;
  }

  @Override
  public boolean isConnected() {
    return connections() > 0;
  }

  @Override
  public long connectionsMade() {
    return sender == null ? 0 : sender.guard().connections();
  }

  @Override
  public long throttledMillis() {
    return sender == null ? 0 : sender.throttledMillis(nanos.getAsLong());
  }

  @Override
  public String describe() {
    int connections = connections();
    return connections == 0
        ? "no connection to " + settingsInUse.bootstrapServers()
        : connections + " connections to brokers";
  }

  private int connections() {
    return sender == null ? 0 : sender.connections();
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
