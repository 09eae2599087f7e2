package dev.outboxrelay.client.files;

import java.util.UUID;

/**
 * Settled up to here: delivered, parked, dead-lettered or quarantined, and never to be read again
 * from the queue.
 *
 * @param generation grows when the delivery mode is switched or an outbox adopted
 * @param mode how the relay delivers
 * @param sequence of the last settled record, 0 = none
 * @param eventId of that record; zero when there is none
 * @param cycle of that record
 * @param offset behind it: where the next header word stands
 * @param index its Chronicle index, {@code cycle << 32 | entry}
 * @param settledBytes the cycle's base + offset − first data offset
 * @param writtenAt milliseconds since the epoch
 * @param outboxId identity of the outbox
 * @param heldBytes what parked events and dead letters take, which counts towards the cap
 */
public record Position(
    long generation,
    DeliveryMode mode,
    long sequence,
    UUID eventId,
    long cycle,
    long offset,
    long index,
    long settledBytes,
    long writtenAt,
    UUID outboxId,
    long heldBytes) {}
