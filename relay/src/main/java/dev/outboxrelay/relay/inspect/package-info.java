/**
 * Reads outboxes from outside, beside running writers and a running relay or without them: takes no
 * lock and changes nothing. {@link dev.outboxrelay.relay.inspect.QueueWalk} goes through the
 * records, {@link dev.outboxrelay.relay.inspect.QueueVerifier} checks them, {@link
 * dev.outboxrelay.relay.inspect.OutboxReport} tells where an outbox stands.
 */
package dev.outboxrelay.relay.inspect;
