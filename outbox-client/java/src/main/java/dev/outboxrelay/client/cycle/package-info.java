/**
 * The inside of a cycle file. {@link dev.outboxrelay.client.cycle.CycleLayout} says where its parts
 * lie, {@link dev.outboxrelay.client.cycle.CycleTemplate} has the bytes of a new one, which every
 * other must begin with. An append finds the end of the chain with {@link
 * dev.outboxrelay.client.cycle.ChainWalk}; a reader goes from record to record, and on behind
 * damage, with {@link dev.outboxrelay.client.cycle.CycleReader}. Both look at single entries with
 * {@link dev.outboxrelay.client.cycle.CycleScanner}. Nothing here changes a file.
 *
 * <p><b>Not for users:</b> public because the relay and its tools read and mend the same files.
 */
package dev.outboxrelay.client.cycle;
