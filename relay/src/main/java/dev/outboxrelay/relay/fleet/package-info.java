/**
 * The outboxes that one process serves: {@link dev.outboxrelay.relay.fleet.SingleOutbox the one} of
 * {@code OUTBOX_DIR}, a {@link dev.outboxrelay.relay.fleet.Fleet} either way, so that whoever looks
 * at it need not know which.
 */
package dev.outboxrelay.relay.fleet;
