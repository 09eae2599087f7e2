package dev.outboxrelay.relay.deliver;

import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.relay.deliver.route.TopicSource;
import dev.outboxrelay.relay.fact.Verdict;
import java.util.Map;

/**
 * The way to Kafka, as the delivery loop sees it: it never blocks, and what takes time answers
 * through {@link #poll()}, also what was asked of the {@link TopicSource}. For one thread.
 */
public interface Transport extends AutoCloseable {

  /**
   * Discards the present sender, if any, with all that it holds, and makes a new one. Answers
   * {@link Answer.Connected} or {@link Answer.ConnectFailed}. That a sender was made does not mean
   * that Kafka is there.
   */
  void connect();

  /** Discards the present sender with all that it holds. */
  void disconnect();

  /** Whether a sender that is made now would have other settings than the present one. */
  boolean isOutdated();

  /**
   * Hands a record to the sender.
   *
   * @param partition it goes to; {@link TopicSource#ANY} for whichever the sender likes
   * @param completion told once what became of it, if it was accepted
   * @return null if it was accepted; else why not, and then nothing will be completed
   */
  Verdict send(OutboxRecord record, int partition, Completion completion);

  /** When its acks count. */
  default Acks acks() {
    return Acks.AT_ONCE;
  }

  /** What an error that a completion was given means. */
  Verdict judge(String topic, Throwable error);

  /** The next answer to a question of the present sender, or null. */
  Answer poll();

  /** Whether there is a connection to any broker. */
  boolean isConnected();

  /** How many connections the present sender has made so far; 0 if that is not known. */
  long connectionsMade();

  /** How long brokers may have the present sender wait now, as they do for a quota; 0 if not. */
  long throttledMillis();

  /** What is known of the connections to the brokers, for people. */
  String describe();

  @Override
  void close();

  /** What comes back from a question. */
  sealed interface Answer {
    /**
     * A sender was made.
     *
     * @param leftOut addresses where it does not look for Kafka, as something else was found there;
     *     null if there are none
     */
    record Connected(String leftOut) implements Answer {}

    record ConnectFailed(Verdict verdict) implements Answer {}

    /**
     * The cluster of the present sender's brokers.
     *
     * @param replaced whether the sender had seen another cluster before: it is of no use any more
     * @param refusal why nothing may be sent to this cluster; null if it may
     */
    record ClusterSeen(String id, boolean replaced, Verdict refusal) implements Answer {}

    /** The present sender has ended by itself: nothing that it holds will be completed. */
    record SenderLost(String error) implements Answer {}

    record TopicReady(String topic, int partitions) implements Answer {}

    record TopicUnavailable(String topic, Verdict verdict) implements Answer {}

    /**
     * Of topics that were asked for together.
     *
     * @param verdicts on those that can't be written; the others may be
     * @param anybody false if there was no answer, or nobody's whose word counts
     */
    record TopicsUnavailable(Map<String, Verdict.PauseTopic> verdicts, boolean anybody)
        implements Answer {}
  }
}
