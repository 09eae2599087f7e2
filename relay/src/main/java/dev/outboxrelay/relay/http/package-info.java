/**
 * What the relay shows over HTTP: metrics, health and status; nothing can be changed over it. Start
 * at {@link dev.outboxrelay.relay.http.RelayHttpServer}.
 */
package dev.outboxrelay.relay.http;
