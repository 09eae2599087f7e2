package dev.outboxrelay.client.record;

import java.util.UUID;

/**
 * What the first record of a cycle repeats of the state, so that the state can be rebuilt.
 *
 * @param outboxId identity of the outbox
 * @param generation of the outbox
 * @param base sum of {@code end - first data offset} over all cycles before this one, bytes
 * @param cycleHour hours since the epoch at which the cycle was begun
 */
public record Prologue(UUID outboxId, int generation, long base, long cycleHour) {}
