/**
 * Where events wait whose topic can't be written for long: {@link
 * dev.outboxrelay.relay.park.ParkedOutboxes}, an outbox of the same format for each topic, and
 * {@link dev.outboxrelay.relay.park.ParkedArrivals}, by which delivery reads one of them.
 */
package dev.outboxrelay.relay.park;
