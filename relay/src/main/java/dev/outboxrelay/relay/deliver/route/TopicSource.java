package dev.outboxrelay.relay.deliver.route;

import dev.outboxrelay.client.record.OutboxRecord;
import java.util.List;

/** What the present sender's brokers tell of topics. Never blocks. For one thread. */
public interface TopicSource {
  /**
   * The partition of a record that has neither a partition nor a key: whichever the sender likes.
   */
  int ANY = -1;

  /**
   * Asks for a topic; the answer comes among the transport's.
   *
   * @param doubtful whether it may well be missing, as others are: the sender itself is then asked
   *     only if it is there
   */
  void ask(String topic, boolean doubtful);

  /**
   * Asks which of these can't be written; the answer comes among the transport's, and the sender
   * itself does not know of them after it. None of them is created.
   */
  void askTogether(List<String> topics);

  /**
   * The partition of a record, or {@link #ANY}; not below {@code partitions} but for a record's
   * own.
   *
   * @param partitions how many its topic has
   */
  int partitionOf(OutboxRecord record, int partitions);

  /** A number that changes when the sender may have heard of other partitions. */
  int updates();

  /** How many partitions the sender knows of a topic at this moment; negative if of none. */
  int partitionsNow(String topic);

  /** Whether the brokers are known to be those that the events are meant for. */
  boolean isConfirmed();
}
