/**
 * The bytes of one event. An append checks and encodes it in {@link
 * dev.outboxrelay.client.record.RecordDraft}, within {@link
 * dev.outboxrelay.client.record.RecordLimits}; a reader checks and decodes it with {@link
 * dev.outboxrelay.client.record.RecordCodec} into an {@link
 * dev.outboxrelay.client.record.OutboxRecord}. Knows nothing of files.
 *
 * <p><b>Not for users:</b> public because the relay and its tools read and mend the same files.
 */
package dev.outboxrelay.client.record;
