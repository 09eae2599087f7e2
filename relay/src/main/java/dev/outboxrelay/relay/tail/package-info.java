/**
 * Reads the queue from a place that the relay keeps itself. {@code QueueTail} does so through
 * Chronicle Queue and is the only class that knows it; {@code SalvageTail} reads what Chronicle
 * can't get past; {@code Tail} decides which of them reads.
 */
package dev.outboxrelay.relay.tail;
