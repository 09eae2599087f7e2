package dev.outboxrelay.relay.copy;

import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.relay.deliver.Completion;
import dev.outboxrelay.relay.deliver.Transport;
import dev.outboxrelay.relay.deliver.route.TopicSource;
import dev.outboxrelay.relay.fact.DeadLetterReason;
import dev.outboxrelay.relay.fact.PauseReason;
import dev.outboxrelay.relay.fact.Verdict;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;

/** A topic for dead letters; what it has outlives whoever sends. */
final class FakeTopic {
  final List<OutboxRecord> taken = new ArrayList<>();
  final Set<Long> tooLarge = new HashSet<>();
  boolean exists = true;
  boolean acks = true;
  int senders;
  int open;

  private final Queue<Runnable> sent = new ArrayDeque<>();

  List<Long> numbers() {
    return taken.stream().map(OutboxRecord::sequence).toList();
  }

  LetterCopier.Sender sender() {
    senders++;
    open++;
    Sender sender = new Sender();
    return new LetterCopier.Sender(sender, sender);
  }

  /** Answers all that is on its way. */
  void answer() {
    while (acks && !sent.isEmpty()) {
      sent.remove().run();
    }
  }

  /** Whoever sent is dead: nothing comes of what is on its way. */
  void senderDied() {
    sent.clear();
  }

  private static final class Refusal extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  private final class Sender implements Transport, TopicSource {
    private final Queue<Answer> answers = new ArrayDeque<>();
    private boolean connecting;

    @Override
    public void connect() {
      connecting = true;
      answers.add(new Answer.Connected(null));
    }

    @Override
    public void disconnect() {
      answers.clear();
      sent.clear();
    }

    @Override
    public boolean isOutdated() {
      return false;
    }

    @Override
    public Verdict send(OutboxRecord record, int partition, Completion completion) {
      sent.add(
          () -> {
            if (tooLarge.contains(record.sequence())) {
              completion.failed(new Refusal());
            } else {
              taken.add(record);
              completion.acked(0);
            }
          });
      return null;
    }

    @Override
    public Verdict judge(String topic, Throwable error) {
      return new Verdict.DeadLetter(DeadLetterReason.TOO_LARGE, "RecordTooLarge", true);
    }

    @Override
    public Answer poll() {
      if (connecting) {
        connecting = false; // it takes more than a turn
        return null;
      }
      return answers.poll();
    }

    @Override
    public void ask(String topic, boolean doubtful) {
      answers.add(
          exists
              ? new Answer.TopicReady(topic, 1)
              : new Answer.TopicUnavailable(
                  topic,
                  new Verdict.PauseTopic(topic, PauseReason.TOPIC_MISSING, topic + " is missing")));
    }

    @Override
    public void askTogether(List<String> topics) {
      answers.add(new Answer.TopicsUnavailable(Map.of(), true));
    }

    @Override
    public boolean isConnected() {
      return true;
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
      return "a fake";
    }

    @Override
    public boolean isConfirmed() {
      return true;
    }

    @Override
    public int updates() {
      return 0;
    }

    @Override
    public int partitionsNow(String topic) {
      return 1;
    }

    @Override
    public int partitionOf(OutboxRecord record, int partitions) {
      return record.partition() == null ? ANY : record.partition();
    }

    @Override
    public void close() {
      disconnect();
      open--;
    }
  }
}
