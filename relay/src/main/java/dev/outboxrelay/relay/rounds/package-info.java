/**
 * Work that may hang or may not be begun: going from one outbox to the next where any of their
 * disks may hang ({@link dev.outboxrelay.relay.rounds.Rounds}), and the threads for that ({@link
 * dev.outboxrelay.relay.rounds.WorkThread}).
 */
package dev.outboxrelay.relay.rounds;
