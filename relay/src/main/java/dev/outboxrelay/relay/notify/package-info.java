/**
 * What a service manager is told: ready, how it goes, alive, stopping. Only where one asks for it
 * ({@code NOTIFY_SOCKET} of systemd); nothing that delivers events knows of it.
 */
package dev.outboxrelay.relay.notify;
