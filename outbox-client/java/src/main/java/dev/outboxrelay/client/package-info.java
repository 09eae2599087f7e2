/**
 * Appends events durably to a local outbox, from where a relay delivers them to Kafka. Start at
 * {@link dev.outboxrelay.client.Outbox}; the errors are shown as a tree at {@link
 * dev.outboxrelay.client.OutboxError}.
 */
package dev.outboxrelay.client;
