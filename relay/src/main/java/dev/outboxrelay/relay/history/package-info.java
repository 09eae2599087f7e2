/**
 * What each outbox looked like during the last hour, for whoever opens the status page. {@link
 * dev.outboxrelay.relay.history.Sampler} looks at all of them every few seconds, whether their
 * loops turn or not; {@link dev.outboxrelay.relay.history.History} keeps it, in memory only.
 */
package dev.outboxrelay.relay.history;
