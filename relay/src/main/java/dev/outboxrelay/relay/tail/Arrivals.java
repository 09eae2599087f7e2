package dev.outboxrelay.relay.tail;

/** The queue, as delivery reads it. For one thread. */
public interface Arrivals {
  /** The next arrival, or null while there is none. */
  Arrival poll();

  /** Goes back; the next {@link #poll()} gives what stands behind the bookmark. */
  void rewind(Bookmark to);
}
