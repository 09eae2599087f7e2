package dev.outboxrelay.relay.deliver.route;

import dev.outboxrelay.relay.fact.Verdict;

/** What is new of a topic's lane. */
public sealed interface LaneNews {
  String topic();

  /** Events of the topic go there from now on. */
  record Parked(String topic) implements LaneNews {}

  /** It delivered for nothing, and has ended: the topic is to be barred. */
  record Stuck(String topic, Verdict verdict) implements LaneNews {}

  /** What could not be told by a question is clear: its events arrive again. */
  record Proven(String topic) implements LaneNews {}

  /** What it held was given up, and nothing of the topic waits: what barred it is over. */
  record GivenUp(String topic) implements LaneNews {}

  /** It is empty: events of the topic are sent as all others are. */
  record Resumed(String topic) implements LaneNews {}
}
