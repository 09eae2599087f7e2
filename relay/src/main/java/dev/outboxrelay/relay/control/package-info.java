/**
 * Changes that an operator asks for: a request is a file in {@code control/}, which the holder of
 * the relay's lock applies once and answers by another file. What was taken up is gone on with
 * after whatever kill.
 */
package dev.outboxrelay.relay.control;
