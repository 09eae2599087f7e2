package dev.outboxrelay.relay.tail;

/** What the tail tells. Called on the delivery thread. */
public interface TailListener {
  /** The reader can't get past this place in the usual way, and salvages what is behind it. */
  default void standingStill(long cycle, long offset, String reason) {}

  /** A cycle that is not the newest has no end mark; its end is mended for other readers. */
  default void endMissing(long cycle) {}
}
