/**
 * Where events go that Kafka will never take: {@link dev.outboxrelay.relay.deadletter.DeadLetters},
 * an outbox of the same format.
 */
package dev.outboxrelay.relay.deadletter;
