package dev.outboxrelay.client;

import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import java.util.UUID;

/**
 * A look at an outbox, taken without a lock while writers and the relay may be at work: counts can
 * be off by what they did meanwhile.
 *
 * @param path of the outbox
 * @param outbox identity of the outbox
 * @param generation grows when an operator adopts a copied or restored outbox
 * @param nextSequence of the next event
 * @param settledSequence of the last event that the relay has settled, 0 = none
 * @param lagEvents appended and not settled
 * @param lagBytes appended and not settled; what {@code OUTBOX_MAX_BYTES} caps
 * @param cycles numbers of the cycle files, ascending
 * @param newestCycle empty before the first event
 * @param delivery {@code at-least-once} or {@code exactly-once} as the relay has noted it; empty
 *     text before it ever ran
 */
public record OutboxStatus(
    Path path,
    UUID outbox,
    int generation,
    long nextSequence,
    long settledSequence,
    long lagEvents,
    long lagBytes,
    List<Long> cycles,
    OptionalLong newestCycle,
    String delivery) {}
