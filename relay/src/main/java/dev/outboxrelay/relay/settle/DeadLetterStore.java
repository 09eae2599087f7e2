package dev.outboxrelay.relay.settle;

import dev.outboxrelay.relay.deliver.InFlight;
import dev.outboxrelay.relay.deliver.Verdict;
import java.io.IOException;

/** Where records go that Kafka will never take. */
public interface DeadLetterStore extends AutoCloseable {
  /**
   * Adds a record, unless it is there already; durable when it returns.
   *
   * @return whether it was new
   */
  boolean add(InFlight record, Verdict.DeadLetter verdict) throws IOException;

  @Override
  void close() throws IOException;
}
