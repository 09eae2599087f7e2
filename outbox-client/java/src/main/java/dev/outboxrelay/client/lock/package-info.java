/**
 * Who may write: {@link dev.outboxrelay.client.lock.WritersLock} keeps all other processes and
 * threads out, {@link dev.outboxrelay.client.lock.LockDeadline} ends the wait for it, {@link
 * dev.outboxrelay.client.lock.LockFile} sees to it that no other copy of the client in the JVM
 * makes the kernel drop it. {@link dev.outboxrelay.client.lock.SyncLock} and {@link
 * dev.outboxrelay.client.lock.SyncClaim} choose who syncs for all. An append comes here with its
 * record drafted, before it looks at any file.
 *
 * <p><b>Not for users:</b> public because the relay and its tools read and mend the same files.
 */
package dev.outboxrelay.client.lock;
