/**
 * The relay's configuration: immutable records, read from the environment by {@link
 * dev.outboxrelay.relay.config.RelayConfig#from}, which reports every error at once. Start at
 * {@link dev.outboxrelay.relay.config.RelayConfig}; what is Kafka's own lives in {@link
 * dev.outboxrelay.relay.kafka.settings.KafkaSettings}.
 */
package dev.outboxrelay.relay.config;
