package dev.outboxrelay.client.writing;

import java.util.UUID;

/**
 * A record that was published, of a batch the first.
 *
 * @param file in which it stands; in {@code power} durability retained for the sync
 */
record Published(UUID outbox, int generation, long sequence, long cycle, CycleDescriptors file) {}
