/**
 * The outbox on disk, as FORMAT.md describes it. <b>Not for users:</b> it is public because the
 * relay and its tools read and mend the same files; names and behaviour change without notice.
 *
 * <p>Reading: {@link dev.outboxrelay.client.format.OutboxPaths} names the files, {@link
 * dev.outboxrelay.client.format.CycleScanner} walks a cycle, {@link
 * dev.outboxrelay.client.format.RecordCodec} checks and decodes a record, {@link
 * dev.outboxrelay.client.format.PositionFile} and {@link
 * dev.outboxrelay.client.format.OutcomesFile} hold what the relay has settled.
 */
package dev.outboxrelay.client.format;
