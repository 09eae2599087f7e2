/**
 * Appends events durably to a local outbox, from where a relay delivers them to Kafka. Start at
 * {@code Outbox}.
 */
package dev.outboxrelay.client;
