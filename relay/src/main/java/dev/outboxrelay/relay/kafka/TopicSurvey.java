package dev.outboxrelay.relay.kafka;

import dev.outboxrelay.relay.deliver.Transport.Answer;
import dev.outboxrelay.relay.fact.Verdict;
import dev.outboxrelay.relay.kafka.settings.KafkaSettings;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/**
 * Asks which of many topics can't be written, in a few round trips for all of them, and by which
 * none is created. What is clear is evidence about a topic: it is missing, forbidden, or no name.
 * Blocks; for one thread.
 */
final class TopicSurvey implements AutoCloseable {
  /** No answer. */
  static final Answer.TopicsUnavailable NOBODY = new Answer.TopicsUnavailable(Map.of(), false);

  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final Function<KafkaSettings, Brokers> maker;
  private Brokers brokers; // null until they are needed
  private Sender madeFor;

  /** Who is asked. */
  interface Brokers extends AutoCloseable {
    /** Of which cluster they are; null if they do not tell. */
    String cluster() throws Exception;

    /** What they answer for each of these; null for what is there. */
    Map<String, Throwable> errors(List<String> topics) throws Exception;

    @Override
    void close();
  }

  /** Connects to nothing yet. */
  TopicSurvey(Function<KafkaSettings, Brokers> maker) {
    this.maker = maker;
  }

  /** Only what brokers of the sender's cluster say counts, which has to be so before and after. */
  Answer.TopicsUnavailable ask(Sender asked, List<String> topics) {
    if (madeFor != asked) {
      close();
    }
    try {
      if (brokers == null) {
        brokers = maker.apply(asked.bootstrap().usable());
        madeFor = asked;
      }
      String cluster = asked.guard().awaitFirst(PATIENCE_NANOS);
      if (cluster == null || !cluster.equals(brokers.cluster())) {
        return NOBODY;
      }
      Map<String, Throwable> errors = brokers.errors(topics);
      boolean same = cluster.equals(brokers.cluster()) && cluster.equals(asked.guard().latest());
      return same ? judge(errors) : NOBODY;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return NOBODY;
    } catch (Exception e) {
      close();
      return NOBODY;
    }
  }

  private static Answer.TopicsUnavailable judge(Map<String, Throwable> errors) {
    Map<String, Verdict.PauseTopic> verdicts = new LinkedHashMap<>();
    boolean anybody = false;
    for (Map.Entry<String, Throwable> each : errors.entrySet()) {
      Throwable error = each.getValue();
      boolean clear = error == null;
      if (error != null && verdict(each.getKey(), error) instanceof Verdict.PauseTopic pause) {
        verdicts.put(each.getKey(), pause);
        clear = true;
      }
      anybody |= clear;
    }
    return new Answer.TopicsUnavailable(verdicts, anybody);
  }

  private static Verdict verdict(String topic, Throwable error) {
    return error instanceof UnknownTopicOrPartitionException
        ? TopicLookup.missing(topic) // the broker's own words do not name it
        : ErrorClassifier.ofRefused(topic, error);
  }

  /** It may be used again. */
  @Override
  public void close() {
    Brokers old = brokers;
    brokers = null;
    madeFor = null;
    if (old != null) {
      old.close();
    }
  }
}
