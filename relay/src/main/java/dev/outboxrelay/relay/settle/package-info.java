/**
 * Makes durable what delivery has settled, on a thread of its own: {@link
 * dev.outboxrelay.relay.settle.Settler} takes messages from delivery and answers with {@link
 * dev.outboxrelay.relay.fact.Fact}s. The order is always the same: the events themselves, then what
 * was not delivered, then the position.
 */
package dev.outboxrelay.relay.settle;
