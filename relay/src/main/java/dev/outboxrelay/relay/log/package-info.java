/**
 * The process's own log: one event per line on stderr, as key-value pairs or JSON. Code logs
 * through slf4j, with the event's name as the message and key-values for what it is about; only
 * {@link dev.outboxrelay.relay.log.Logging} knows Logback's set-up.
 */
package dev.outboxrelay.relay.log;
