package dev.outboxrelay.client;

import java.util.UUID;

/**
 * Proof that an event is in the outbox.
 *
 * @param outbox identity of the outbox
 * @param generation of the outbox; grows when an operator adopts a copied or restored one
 * @param sequence number of the event in this outbox, from 1; a gap is a killed append or real loss
 * @param eventId the caller's id, or a new UUID of version 7
 * @param durability what the append survives
 */
public record Receipt(
    UUID outbox, int generation, long sequence, UUID eventId, Durability durability) {}
