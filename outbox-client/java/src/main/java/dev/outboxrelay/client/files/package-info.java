/**
 * The files of an outbox and what each of them says. {@link
 * dev.outboxrelay.client.files.OutboxPaths} names them. An append takes its sequence from {@link
 * dev.outboxrelay.client.files.StateFile} and lists a new cycle in {@link
 * dev.outboxrelay.client.files.MetadataTable}; {@link dev.outboxrelay.client.files.CycleFacts}
 * tells what can be rebuilt from the cycles themselves. {@link
 * dev.outboxrelay.client.files.PositionFile} and {@link dev.outboxrelay.client.files.OutcomesFile}
 * hold what the relay has settled, and {@link dev.outboxrelay.client.files.OutboxReader} puts it
 * all together without a lock.
 *
 * <p><b>Not for users:</b> public because the relay and its tools read and mend the same files.
 */
package dev.outboxrelay.client.files;
