/**
 * The command line: one class per command, under {@link dev.outboxrelay.relay.cli.Main}. Commands
 * read the outbox's files and print; only {@code run} delivers.
 */
package dev.outboxrelay.relay.cli;
