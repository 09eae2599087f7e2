/**
 * Looks for what keeps an outbox from being delivered, and says what to do about it. Start at
 * {@link dev.outboxrelay.relay.doctor.Doctor}.
 */
package dev.outboxrelay.relay.doctor;
