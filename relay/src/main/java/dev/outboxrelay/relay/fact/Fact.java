package dev.outboxrelay.relay.fact;

import java.util.UUID;

/**
 * Something that happened to an outbox's events or to the relay's work on them. Never holds a
 * payload. Facts of one outbox are told on its delivery thread, in order.
 *
 * <p>What to alert on: {@link DeadLettered}, {@link Quarantined} and {@link Missing}, any at all,
 * as an event did not reach Kafka; and every standing {@link Trouble} that {@link Troubles} knows.
 */
public sealed interface Fact {
  /**
   * Kafka acked an event, and all before it are settled.
   *
   * @param bytes size of its record in the queue
   * @param latencyMillis from its append to the ack, not below 0
   */
  record Delivered(String topic, int bytes, long latencyMillis) implements Fact {}

  /**
   * An event went to its topic's lane, and all before it are settled.
   *
   * @param bytes size of its record in the queue
   */
  record Parked(String topic, int bytes) implements Fact {}

  /** A send failed; {@code topic} is null if it concerns no single topic. */
  record SendFailed(Verdict verdict, String topic) implements Fact {}

  /**
   * Kafka's brokers were found to be of a cluster; told once a run, and when it is another one.
   *
   * @param id its cluster id
   * @param before the one to which the outbox was delivered before; null if there was none
   */
  record ClusterSeen(String id, String before) implements Fact {
    /** Whether another cluster is there now. */
    public boolean isAnother() {
      return before != null && !before.equals(id);
    }
  }

  /** Delivery went back to the oldest unsettled event; so many will be sent again. */
  record Rewound(int events) implements Fact {}

  /**
   * Delivery came into another state, or tried again in the same one.
   *
   * @param from label of the state before
   * @param to label of the present one
   * @param trouble what keeps events from being delivered now; null if all is well
   */
  record StateChanged(String from, String to, Trouble trouble) implements Fact {
    /** The label of the state in which nothing is tried any more. */
    public static final String STOPPED = "stopped";

    /** Whether delivery has ended: no topic is looked at any more. */
    boolean isEnd() {
      return to.equals(STOPPED);
    }
  }

  /**
   * A topic can't be written, or still can't: it was tried again.
   *
   * @param trouble what is wrong with it, from the first time on
   */
  record TopicBarred(String topic, Trouble trouble) implements Fact {}

  /** A topic is barred for so long that its events go to its lane. */
  record TopicParked(String topic) implements Fact {}

  /** A topic that was barred can be written; if it has a lane, that delivers now. */
  record TopicOpened(String topic) implements Fact {}

  /** The lane of a topic is empty: its events are sent as all others are. */
  record TopicResumed(String topic) implements Fact {}

  /**
   * Of a topic that was barred nothing waits any more, as it was given up: whether the topic can be
   * written its next event shows.
   */
  record TopicForgotten(String topic) implements Fact {}

  /** No record carries these sequences, both inclusive. */
  record Missing(long first, long last) implements Fact {}

  /**
   * A valid record whose sequence is not above that of the one before; it is delivered.
   *
   * @param eventId of it
   * @param previous the highest sequence before it
   * @param earlier id of the event that came with the same sequence before; null if that is not
   *     known
   */
  record OutOfSequence(long sequence, UUID eventId, long previous, UUID earlier) implements Fact {
    /** Whether it is an event that came before, once more. */
    public boolean isRepeated() {
      return eventId.equals(earlier);
    }
  }

  /** The reader can't get past this place in the usual way, and salvages what is behind it. */
  record StandingStill(long cycle, long offset, String reason) implements Fact {}

  /** A cycle that is not the newest has no end mark; its end is mended for other readers. */
  record EndMissing(long cycle) implements Fact {}

  /** An event was moved to the dead letters, durably. */
  record DeadLettered(String topic, DeadLetterReason reason, long sequence) implements Fact {}

  /** So many dead letters more are copied to their topic. */
  record LettersCopied(long letters) implements Fact {}

  /**
   * Kafka will never take the copy of a dead letter, or it can't be made.
   *
   * @param number of the letter
   * @param eventId of its event
   */
  record LetterNotCopied(long number, UUID eventId, String error) implements Fact {}

  /** Dead letters with these numbers, both inclusive, were not kept until they were copied. */
  record LettersNotKept(long first, long last) implements Fact {}

  /**
   * Events were given up for good, and are not kept any more.
   *
   * @param events how many
   */
  record Discarded(Discard why, long events) implements Fact {}

  /** Bytes that are no valid record were set aside, durably. */
  record Quarantined(long cycle, long offset, long bytes, String reason) implements Fact {}

  /** The position is on stable storage; everything up to this sequence is settled. */
  record PositionSaved(long sequence) implements Fact {}

  /**
   * A part of the relay's own work failed; it is tried again, for as long as it takes.
   *
   * @param wayOut what to do, for a person
   */
  record Failed(Part part, String error, String wayOut) implements Fact {
    /** For which there is no other way out than for most of its kind. */
    public Failed(Part part, String error) {
      this(part, error, part.wayOut());
    }

    /** By an error, which may tell the way out. */
    public Failed(Part part, Throwable error) {
      this(part, error.toString(), WaysOut.of(part, error));
    }
  }

  /** What had failed was done. */
  record Recovered(Part part) implements Fact {}

  /** Settled cycles up to this one were deleted. */
  record CyclesDeleted(long cycle, long bytes) implements Fact {}

  /**
   * The outbox was removed, moved or replaced: what was read of it is still delivered, then the
   * pipeline ends.
   */
  record OutboxGone() implements Fact {}
}
