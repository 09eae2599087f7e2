/**
 * Checks what the tail reads: {@code Intake} decodes records, tells damage from data and counts the
 * gaps between sequences. What comes out are {@link dev.outboxrelay.relay.intake.Arrival}s.
 */
package dev.outboxrelay.relay.intake;
