package dev.outboxrelay.relay.fact;

import java.util.List;
import java.util.OptionalLong;

/**
 * What is parked of one outbox at one moment. Immutable.
 *
 * @param topics of which something is
 * @param events of all of them
 * @param bytes size of their records, which count towards the outbox's cap
 * @param largest the topics with most events, those first; at most {@link Bars#SHOWN}
 * @param oldestMillis append time of the oldest event as far as it is known, milliseconds since the
 *     epoch
 */
public record Held(
    int topics, long events, long bytes, List<Topic> largest, OptionalLong oldestMillis) {
  /** Nothing is parked. */
  public static final Held NOTHING = new Held(0, 0, 0, List.of(), OptionalLong.empty());

  public Held {
    largest = List.copyOf(largest);
  }

  /**
   * What is parked of one topic.
   *
   * @param bytes size of the records
   */
  public record Topic(String name, long events, long bytes) {}
}
