package dev.outboxrelay.relay.settle;

/**
 * What is parked of one outbox at one moment.
 *
 * @param topics of which something is
 * @param events of all of them
 * @param bytes size of their records, which count towards the outbox's cap
 */
public record Held(int topics, long events, long bytes) {
  /** Nothing is parked. */
  public static final Held NOTHING = new Held(0, 0, 0);
}
