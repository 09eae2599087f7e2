/**
 * Reads the queue from a place that the relay keeps itself. {@code QueueTail} does so through
 * Chronicle Queue and is the only class that knows it; {@code SalvageTail} reads what Chronicle
 * can't get past; {@code Tail} decides which of them reads. {@code Intake} counts the gaps between
 * sequences and makes {@link dev.outboxrelay.relay.tail.Arrival}s of what was read.
 */
package dev.outboxrelay.relay.tail;
