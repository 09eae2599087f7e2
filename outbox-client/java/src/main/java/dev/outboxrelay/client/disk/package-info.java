/**
 * The last step of an append: every change of a file goes through a {@link
 * dev.outboxrelay.client.disk.Disk}, so that tests can fail at any {@link
 * dev.outboxrelay.client.disk.DiskStep}. {@link dev.outboxrelay.client.disk.SafeFiles} creates and
 * opens files as an outbox must, and {@link dev.outboxrelay.client.disk.DiskErrors} makes of an
 * error what the caller is told.
 *
 * <p><b>Not for users:</b> public because the relay and its tools read and mend the same files.
 */
package dev.outboxrelay.client.disk;
