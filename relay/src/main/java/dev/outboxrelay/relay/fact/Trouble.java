package dev.outboxrelay.relay.fact;

/**
 * What is wrong now, from its first sign until it is over.
 *
 * @param cause what is wrong
 * @param sinceMillis when it began, milliseconds since the epoch
 * @param attempts how often it was tried since then
 */
public record Trouble(Cause cause, long sinceMillis, int attempts) {
  /** The same incident, once more, with what is known of it now. */
  public Trouble again(Cause latest) {
    return new Trouble(latest, sinceMillis, attempts + 1);
  }
}
