/**
 * The only package that knows Kafka's clients: the producer behind {@code deliver}'s transport, the
 * meaning of its errors, and the admin client of the checks. What they are configured with is in
 * {@link dev.outboxrelay.relay.kafka.settings}.
 */
package dev.outboxrelay.relay.kafka;
