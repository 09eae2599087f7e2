/**
 * The outboxes that one process serves: {@link dev.outboxrelay.relay.fleet.SingleOutbox the one} of
 * {@code OUTBOX_DIR}, or {@link dev.outboxrelay.relay.fleet.WatchedFleet all} that {@code
 * OUTBOX_DIRS} means: a {@link dev.outboxrelay.relay.fleet.Fleet} either way, so that whoever looks
 * at it need not know which. {@link dev.outboxrelay.relay.fleet.OutboxWatch} turns the loop that
 * finds them, {@link dev.outboxrelay.relay.fleet.WatchState} draws what becomes of each.
 */
package dev.outboxrelay.relay.fleet;
