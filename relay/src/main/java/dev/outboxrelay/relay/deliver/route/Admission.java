package dev.outboxrelay.relay.deliver.route;

import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.client.record.RecordLimits;
import dev.outboxrelay.relay.fact.DeadLetterReason;
import dev.outboxrelay.relay.fact.Verdict;

/** What its route says to an event. */
public sealed interface Admission {
  /**
   * It may be sent.
   *
   * @param partition it goes to, or {@link TopicSource#ANY}
   * @param introduces whether brokers may not have heard of the sender there: they accept any
   *     record first, also one whose predecessor they have just refused
   */
  record Send(int partition, boolean introduces) implements Admission {}

  /** Not yet: an answer or an ack has to come first. */
  record Wait() implements Admission {}

  /**
   * It goes to its topic's lane.
   *
   * @param begins whether it is the first one: before, nothing of its topic may be on its way
   */
  record Park(boolean begins) implements Admission {}

  /** Not as things are. */
  record Refused(Verdict verdict) implements Admission {}

  /** What no topic and no lane takes, however they are; null for all else. */
  static Admission refusedAnyway(OutboxRecord record) {
    if (RecordLimits.INTERNAL_TOPICS.contains(record.topic())) {
      String error = record.topic() + " is kept by the brokers";
      return new Refused(new Verdict.DeadLetter(DeadLetterReason.INTERNAL_TOPIC, error, true));
    }
    if (record.timestamp() < 0) {
      // Kafka's client throws on it before it looks at anything else.
      String error = "negative timestamp " + record.timestamp();
      return new Refused(new Verdict.DeadLetter(DeadLetterReason.INVALID_TIMESTAMP, error, true));
    }
    return null;
  }
}
