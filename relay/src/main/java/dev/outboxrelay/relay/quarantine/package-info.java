/**
 * Where corrupt bytes of the queue go: {@link dev.outboxrelay.relay.quarantine.Quarantine} copies
 * them aside, so that delivery can go on behind them and a person can look at them.
 */
package dev.outboxrelay.relay.quarantine;
