/**
 * The outbox on disk and the writers' protocol, as FORMAT.md describes them. <b>Not for users:</b>
 * it is public because the relay and its tools read and mend the same files; names and behaviour
 * change without notice.
 *
 * <p><b>Reading:</b> {@link dev.outboxrelay.client.format.OutboxPaths} names the files, {@link
 * dev.outboxrelay.client.format.CycleScanner} walks a cycle, {@link
 * dev.outboxrelay.client.format.RecordCodec} checks and decodes a record, {@link
 * dev.outboxrelay.client.format.PositionFile} and {@link
 * dev.outboxrelay.client.format.OutcomesFile} hold what the relay has settled.
 *
 * <p><b>Appending</b> goes in one direction: {@link dev.outboxrelay.client.format.QueueWriter}
 * checks and encodes the event ({@code RecordEncoder}), takes the lock ({@link
 * dev.outboxrelay.client.format.WritersLock}), asks {@code WriterSession} for the cycle ({@link
 * dev.outboxrelay.client.format.RollRule}), and lets {@code CycleFile} write, publish and book it.
 * Every change on disk goes through a {@link dev.outboxrelay.client.format.Disk}, so that tests can
 * fail at any of them. {@code Recovery} opens an outbox in whatever state it was left; {@link
 * dev.outboxrelay.client.format.QueueMaintenance} seals and deletes cycles for the relay.
 */
package dev.outboxrelay.client.format;
