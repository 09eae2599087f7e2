/**
 * The process's own log: one event per line on stderr, as key-value pairs or JSON. Code logs
 * through slf4j, with the event's name as the message and key-values for what it is about; only
 * {@link dev.outboxrelay.relay.log.Logging} knows Logback's set-up. A relay that runs waits for
 * nobody who reads its log: {@link dev.outboxrelay.relay.log.LogPipe}.
 */
package dev.outboxrelay.relay.log;
