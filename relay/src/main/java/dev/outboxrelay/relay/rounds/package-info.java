/**
 * Going from one outbox to the next where any of their disks may hang ({@link
 * dev.outboxrelay.relay.rounds.Rounds}).
 */
package dev.outboxrelay.relay.rounds;
