/**
 * Keeps what settings hold in secret out of what is printed, whoever wrote the message: see {@link
 * dev.outboxrelay.relay.secret.SecretWords}.
 */
package dev.outboxrelay.relay.secret;
