package dev.outboxrelay.relay.settle;

import dev.outboxrelay.relay.deliver.InFlight;
import dev.outboxrelay.relay.fact.Verdict;
import java.io.IOException;

/** Where records go that Kafka will never take. */
public interface DeadLetterStore extends AutoCloseable {
  /**
   * Adds a record, unless it is there already; durable when it returns.
   *
   * @return whether it was new
   */
  boolean add(InFlight record, Verdict.DeadLetter verdict) throws IOException;

  /** What is at or below this sequence is settled and saved: it is not asked for again. */
  void settled(long sequence);

  @Override
  void close() throws IOException;
}
