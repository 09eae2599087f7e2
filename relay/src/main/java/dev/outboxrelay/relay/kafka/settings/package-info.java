/**
 * What Kafka's clients are configured with, read from the environment; apart from what uses them,
 * as {@link dev.outboxrelay.relay.config.RelayConfig} holds it. Start at {@link
 * dev.outboxrelay.relay.kafka.settings.KafkaSettings}.
 */
package dev.outboxrelay.relay.kafka.settings;
