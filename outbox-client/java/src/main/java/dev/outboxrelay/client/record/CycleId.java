package dev.outboxrelay.client.record;

import java.util.UUID;

/**
 * Which cycle of which outbox. With the offset of a header word it is the place to which a record
 * is bound (FORMAT I9).
 *
 * @param outbox identity of the outbox
 * @param number hours since the epoch, as the file's name tells
 */
public record CycleId(UUID outbox, long number) {}
