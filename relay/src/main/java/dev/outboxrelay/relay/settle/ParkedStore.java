package dev.outboxrelay.relay.settle;

import dev.outboxrelay.relay.deliver.InFlight;
import dev.outboxrelay.relay.fact.Held;
import java.io.IOException;
import java.util.Map;

/**
 * Where events wait whose topic can't be written for long. {@link #add}, {@link #sync} and {@link
 * #close} are for the settling thread; all else may come from any.
 */
public interface ParkedStore extends AutoCloseable {
  /**
   * Adds a record behind those of its topic, unless it is there already. It can be read at once,
   * and is durable with the next {@link #sync}.
   *
   * @return whether it was new
   * @throws dev.outboxrelay.client.InvalidEvent if its topic is no topic's name, or its timestamp
   *     negative: it can never be parked
   * @throws dev.outboxrelay.client.EventTooLarge if it fills the longest record, so that where it
   *     came from has no room: it can never be parked
   */
  boolean add(InFlight record) throws IOException;

  /**
   * Brings to stable storage all for which {@link #add} was asked since the last time. A position
   * may cover it only when this has returned. What fails is tried again by the next call; a failed
   * cycle is never that of the main queue.
   */
  void sync() throws IOException;

  /**
   * Takes some of what is staged, which is safe but not in its topic's outbox yet, there; returns
   * how much was done, 0 if nothing is staged. For the settling thread.
   */
  int bring() throws IOException;

  /** Whether some of it could not be brought since {@link #bring} has thrown. */
  boolean isBringingFailing();

  /** Whether anything is staged. */
  boolean hasStaged();

  /** Whether any of a topic is staged, so that its lane does not find it yet. */
  boolean isStaged(String topic);

  /** A topic's lane waits for what is staged: that is brought before all other. */
  void hurry(String topic);

  /**
   * A position of that topic's own outbox was saved.
   *
   * @throws dev.outboxrelay.client.OutboxError if its files do not tell how much is left; then that
   *     counts as before
   */
  void settled(String topic);

  /**
   * A topic's lane has settled all, and can't save that before something stands behind it: appends
   * the last record once more, unless another one stands there by now.
   *
   * @return whether it did
   */
  boolean repeatLast(String topic) throws IOException;

  /**
   * All that no position of their own outboxes covers, as of the last {@link #sync} or {@link
   * #settled}.
   */
  Held held();

  /** How much waits of one topic. */
  ParkedTopic topic(String topic);

  /**
   * The sequence of the event of a topic for which {@link #add} was asked last, or which an earlier
   * run has parked last; 0 if none is known.
   */
  long lastParked(String topic);

  /** All topics that have an outbox, as it is now. */
  Map<String, ParkedTopic> topics();

  /**
   * Whether a parked event is not in the queue any more from which it came: a power cut took it
   * there after it was parked. Nobody waits for what becomes of it, no position of that queue will
   * cover it, and another one may get its sequence.
   *
   * @param sequence of the parked event, in its topic's own outbox
   * @param original its sequence where it came from
   */
  boolean isLost(String topic, long sequence, long original);

  /**
   * A topic that has got events that were given up before, or has kept none but such from an
   * earlier run; null if none has since.
   */
  String pollReplayed();

  /** A topic that somebody wants to have asked for now; null if nobody does. */
  String pollRetry();

  /** A topic of which something was given up; null if nothing was since the last one. */
  String pollDiscarded();

  /** Whether what a topic holds is being given up: its lane must not run. */
  boolean isDiscarded(String topic);

  /** Whether a topic's lane may not save a position now. */
  boolean holdsLane(String topic);

  @Override
  void close() throws IOException;
}
