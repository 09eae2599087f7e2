package dev.outboxrelay.relay.inspect;

/**
 * Something in a queue that should not be.
 *
 * @param kind a stable name
 * @param cycle where, −1 if it concerns no single cycle
 * @param offset where in the cycle's file, −1 if nowhere in particular
 * @param detail what, with the values
 */
public record Problem(String kind, long cycle, long offset, String detail) {}
