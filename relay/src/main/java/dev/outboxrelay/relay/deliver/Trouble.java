package dev.outboxrelay.relay.deliver;

/**
 * What keeps events from being delivered, from its first sign until the next event is acked.
 *
 * @param verdict what is wrong
 * @param sinceMillis when it began, milliseconds since the epoch
 * @param attempts how often delivery was tried since then
 */
public record Trouble(Verdict verdict, long sinceMillis, int attempts) {
  /** The same incident, once more, with what is known of it now. */
  Trouble again(Verdict latest) {
    return new Trouble(latest, sinceMillis, attempts + 1);
  }
}
