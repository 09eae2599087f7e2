package dev.outboxrelay.relay.settle;

import dev.outboxrelay.relay.deliver.DeadLetterReason;

/** What the settler tells the delivery thread. */
public sealed interface Report {
  /** The position is on stable storage. */
  record Saved(long sequence) implements Report {}

  /** The position could not be saved; it is tried again. */
  record SaveFailed(String error) implements Report {}

  /** A dead letter is durable. */
  record DeadLettered(String topic, DeadLetterReason reason, long sequence) implements Report {}

  /** Damaged bytes are set aside, durably. */
  record Quarantined(long cycle, long offset, long bytes, String reason) implements Report {}

  /** A dead letter, quarantined bytes or a deletion could not be written; it is tried again. */
  record JobFailed(String what, String error) implements Report {}

  /** A settled cycle is gone. */
  record CycleDeleted(long cycle, long bytes) implements Report {}
}
