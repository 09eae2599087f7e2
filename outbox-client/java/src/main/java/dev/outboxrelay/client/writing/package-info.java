/**
 * The writers' protocol. An append begins in {@link
 * dev.outboxrelay.client.writing.QueueWriter#append}: it makes a draft of the event (package {@code
 * record}), takes the writers' lock (package {@code lock}), asks {@code WriterSession} for the
 * cycle, which follows {@code RollRule}, and lets {@code CycleFile} write, publish and book the
 * record. In {@code power} durability {@code GroupCommit} brings it to stable storage, behind the
 * lock. Then read {@code Recovery}, which opens an outbox in whatever state it was left, and {@link
 * dev.outboxrelay.client.writing.QueueMaintenance}, which seals and deletes cycles for the relay.
 *
 * <p><b>Not for users:</b> public because the relay and its tools read and mend the same files.
 */
package dev.outboxrelay.client.writing;
