/**
 * The only package that knows Kafka's client. {@link dev.outboxrelay.relay.kafka.KafkaSettings}
 * holds what it is configured with.
 */
package dev.outboxrelay.relay.kafka;
