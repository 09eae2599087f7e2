package dev.outboxrelay.relay.inspect;

/**
 * Bytes that hold no valid record although they should.
 *
 * @param cycle where
 * @param offset of their beginning in the cycle's file
 * @param bytes how many, 0 = unknown, as nothing readable follows in this cycle
 * @param kind the name that FORMAT.md gives it
 * @param detail more of it, with the values
 */
public record Damage(long cycle, long offset, long bytes, String kind, String detail) {}
