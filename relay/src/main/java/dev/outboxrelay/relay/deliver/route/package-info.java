/**
 * What is known of each topic, in one room: {@code Routes} has them all and admits each event to
 * its own; where a topic stands is its {@link dev.outboxrelay.relay.deliver.route.RouteState}.
 * Knows neither Kafka nor what is on its way.
 */
package dev.outboxrelay.relay.deliver.route;
