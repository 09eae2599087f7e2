package dev.outboxrelay.relay.settle;

import dev.outboxrelay.relay.deliver.InFlight;
import dev.outboxrelay.relay.fact.DeadLetterReason;
import dev.outboxrelay.relay.fact.Verdict;
import java.io.IOException;
import java.util.UUID;

/** Where records go that Kafka will never take. */
public interface DeadLetterStore extends AutoCloseable {
  /**
   * Adds a record, unless it is there already; durable when it returns.
   *
   * @return whether it was new
   */
  boolean add(InFlight record, Verdict.DeadLetter verdict) throws IOException;

  /**
   * Why a record was added before this was opened, and nothing was done of it since; null if it was
   * not. From any thread.
   */
  default DeadLetterReason diedBefore(long sequence, UUID eventId) {
    return null;
  }

  /** What is at or below this sequence is settled and saved: it is not asked for again. */
  void settled(long sequence);

  @Override
  void close() throws IOException;
}
