package dev.outboxrelay.relay.history;

/**
 * An outbox at one moment. Rates are those since the sample before, 0 in the first one.
 *
 * @param atMillis milliseconds since the epoch
 * @param lagEvents appended and not settled
 * @param lagBytes their size
 * @param oldestSeconds age of the oldest of them, 0 if there is none
 * @param deliveredPerSecond events that Kafka acked
 * @param retriedPerSecond events that a rewind made to be sent again
 * @param troubled whether something kept events from being delivered
 */
public record Sample(
    long atMillis,
    long lagEvents,
    long lagBytes,
    float oldestSeconds,
    float deliveredPerSecond,
    float retriedPerSecond,
    boolean troubled) {}
