package dev.outboxrelay.relay.kafka;

import dev.outboxrelay.relay.deliver.Transport.Answer;
import dev.outboxrelay.relay.fact.PauseReason;
import dev.outboxrelay.relay.fact.Verdict;
import dev.outboxrelay.relay.kafka.settings.KafkaSettings;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.errors.RetriableException;

/**
 * Finds out whether a topic can be written, and thereby fills the producer's own metadata, so that
 * its {@code send} does not block. Blocks by itself: not for the delivery thread.
 */
final class TopicResolver {
  private static final Verdict UNCONFIRMED =
      new Verdict.RetryLater("no broker has said of which cluster it is; nothing is sent");

  private final long patienceNanos;
  private final OtherSide otherSide;

  /**
   * A resolver.
   *
   * @param patienceNanos how long to wait for brokers that do not answer
   */
  TopicResolver(long patienceNanos, OtherSide otherSide) {
    this.otherSide = otherSide;
    this.patienceNanos = patienceNanos;
  }

  /**
   * Asks until there is an answer or patience ends. Where one cluster is named, a topic is not
   * ready before it is known again that the brokers are of that one.
   *
   * @param wanted false once nobody waits for the answer any more
   */
  Answer resolve(Sender asked, String topic, BooleanSupplier wanted) {
    KafkaSettings settings = asked.bootstrap().settings();
    Answer answer = ask(asked.producer(), settings, topic, wanted);
    if (answer instanceof Answer.TopicUnavailable unavailable
        && unavailable.verdict() instanceof Verdict.RetryLater) {
      Verdict stranger = asked.bootstrap().after(otherSide.look(settings));
      return stranger == null ? answer : new Answer.TopicUnavailable(topic, stranger);
    }
    if (answer instanceof Answer.TopicReady && otherSide.clusterId().isPresent()) {
      return isConfirmed(asked, topic) ? answer : new Answer.TopicUnavailable(topic, UNCONFIRMED);
    }
    return answer;
  }

  private boolean isConfirmed(Sender asked, String topic) {
    if (asked.guard().isConfirmed()) {
      return true;
    }
    asked.refresh(topic);
    return asked.guard().awaitConfirmed(patienceNanos);
  }

  private static boolean hasLeader(PartitionInfo partition) {
    return partition.leader() != null && !partition.leader().isEmpty();
  }

  private static Verdict noLeader(String topic, int partitions) {
    String error =
        "no partition of topic %s, which has %d, has a leader".formatted(topic, partitions);
    return new Verdict.PauseTopic(topic, PauseReason.NO_LEADER, error);
  }

  private Answer ask(
      Producer<?, ?> producer, KafkaSettings settings, String topic, BooleanSupplier wanted) {
    long begin = System.nanoTime();
    while (true) {
      try {
        List<PartitionInfo> partitions = producer.partitionsFor(topic);
        Verdict refusal = otherSide.strangers(settings, partitions);
        if (refusal == null && partitions.stream().noneMatch(TopicResolver::hasLeader)) {
          refusal = noLeader(topic, partitions.size());
        }
        return refusal == null
            ? new Answer.TopicReady(topic, partitions.size())
            : new Answer.TopicUnavailable(topic, refusal);
      } catch (RuntimeException e) {
        Verdict verdict = ErrorClassifier.ofRefused(topic, e);
        boolean unanswered = e instanceof RetriableException && e.getCause() == null;
        if (!unanswered || !wanted.getAsBoolean() || System.nanoTime() - begin >= patienceNanos) {
          return new Answer.TopicUnavailable(topic, verdict);
        }
      }
    }
  }
}
