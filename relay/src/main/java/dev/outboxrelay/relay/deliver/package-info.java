/**
 * Decides what is sent when, and what an error means. Start at {@code Delivery}, the loop; its
 * states are {@link dev.outboxrelay.relay.deliver.DeliveryState}, what is on its way is in the
 * {@code Window}, what may go wrong is a {@link dev.outboxrelay.relay.fact.Verdict}. Knows neither
 * Kafka nor Chronicle.
 */
package dev.outboxrelay.relay.deliver;
