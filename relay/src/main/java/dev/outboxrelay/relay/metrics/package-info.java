/**
 * What Prometheus sees. {@link dev.outboxrelay.relay.metrics.RelayMetrics} holds the registry,
 * {@link dev.outboxrelay.relay.metrics.DeliveryCounters} counts what a pipeline tells, and {@link
 * dev.outboxrelay.relay.metrics.OutboxGauges} reads the rest when it is scraped.
 */
package dev.outboxrelay.relay.metrics;
