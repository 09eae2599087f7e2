package dev.outboxrelay.relay.deliver;

/** Where the result of a send goes. Called once, from any thread; never throws, never works. */
public interface Completion {
  /** Kafka has the record, in this partition. */
  void acked(int partition);

  /** Kafka's client gave up on it. */
  void failed(Throwable error);
}
