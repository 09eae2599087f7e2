package dev.outboxrelay.relay.kafka;

import dev.outboxrelay.relay.deliver.Transport.Answer;
import dev.outboxrelay.relay.fact.PauseReason;
import dev.outboxrelay.relay.fact.Verdict;
import java.util.HashMap;
import java.util.Map;

/** The topics that the present producer was told of. For one thread. */
final class KnownTopics {
  private final Map<String, TopicUse> topics = new HashMap<>();

  /** By topic, a partition that an event names and the topic does not have. */
  private final Map<String, Integer> wanted = new HashMap<>();

  private TopicUse last;

  /** Null if it was not asked for. */
  TopicUse use(String topic) {
    if (last == null || !last.isOf(topic)) {
      last = topics.get(topic);
    }
    return last;
  }

  /** To be asked for anew before it is used again. */
  void forget(String topic) {
    topics.remove(topic);
    last = null;
  }

  void clear() {
    topics.clear();
    wanted.clear();
    last = null;
  }

  /** An event waits for a partition that the topic does not have. */
  Verdict want(TopicUse use, String topic, int partition) {
    wanted.put(topic, partition);
    return missing(topic, partition, use.partitions());
  }

  /** Takes note of an answer; gives it, or what follows from it together with what is known. */
  Answer accept(Answer.TopicReady ready, long nanos) {
    String topic = ready.topic();
    last = null;
    TopicUse before = topics.get(topic);
    topics.put(
        topic,
        before == null
            ? new TopicUse(topic, ready.partitions(), nanos)
            : before.again(ready.partitions(), nanos));
    if (before != null && before.partitions() > ready.partitions()) {
      // What was sent to a partition that is gone waits there, for the client will not move it.
      String error = "topic " + topic + " was created anew with fewer partitions";
      return new Answer.TopicUnavailable(topic, new Verdict.RebuildAndRewind(error));
    }
    Integer partition = wanted.get(topic);
    if (partition != null && partition >= ready.partitions()) {
      return new Answer.TopicUnavailable(topic, missing(topic, partition, ready.partitions()));
    }
    wanted.remove(topic);
    return ready;
  }

  private static Verdict missing(String topic, int partition, int partitions) {
    String error =
        "an event names partition "
            + partition
            + " of topic "
            + topic
            + ", which has only "
            + partitions;
    return new Verdict.PauseTopic(topic, PauseReason.PARTITION_MISSING, error);
  }
}
