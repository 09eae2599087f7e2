/**
 * Brings to stable storage what writers have published: before a position may cover it ({@link
 * dev.outboxrelay.relay.sync.CycleSync}), and at an interval, whatever delivery does ({@link
 * dev.outboxrelay.relay.sync.SyncTick}), so that a power cut in the default mode costs no more than
 * that interval.
 */
package dev.outboxrelay.relay.sync;
