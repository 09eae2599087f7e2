/**
 * Copies dead letters to a Kafka topic, where others look for them. What is in {@code
 * dead-letters/} stays the truth; nothing here holds up delivery, or is waited for.
 */
package dev.outboxrelay.relay.copy;
