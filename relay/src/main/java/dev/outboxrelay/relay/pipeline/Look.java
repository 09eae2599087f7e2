package dev.outboxrelay.relay.pipeline;

import dev.outboxrelay.client.files.FailureCounters;
import java.util.Map;
import java.util.OptionalLong;

/**
 * What the files of an outbox said when they were last looked at. Immutable.
 *
 * @param atNanos when that was, of the monotonic clock
 * @param appendedSequence the last sequence that a writer gave; 0 = none
 * @param appendedBytes bytes that were ever appended
 * @param cycles cycle files in the queue
 * @param queueBytes disk space that they take, as far as they were looked at
 * @param settledSequence what was settled then
 * @param oldestMillis append time of the first event behind that, if the loop had not read it yet;
 *     empty if it is not known
 * @param freeBytes space left for the relay's user on the outbox's file system, -1 = not known
 * @param totalBytes size of that file system
 * @param refused appends that the clients refused, as they count them; empty if that is not known
 */
public record Look(
    long atNanos,
    long appendedSequence,
    long appendedBytes,
    int cycles,
    long queueBytes,
    long settledSequence,
    OptionalLong oldestMillis,
    long freeBytes,
    long totalBytes,
    Map<FailureCounters.Reason, Long> refused) {

  public Look {
    refused = Map.copyOf(refused);
  }

  /** What is known of an outbox that was just opened: how much was appended to it. */
  static Look first(long atNanos, long appendedSequence) {
    return new Look(atNanos, appendedSequence, 0, 0, 0, 0, OptionalLong.empty(), -1, -1, Map.of());
  }
}
