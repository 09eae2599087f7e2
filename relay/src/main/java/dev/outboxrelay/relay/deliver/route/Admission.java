package dev.outboxrelay.relay.deliver.route;

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
}
