package dev.outboxrelay.relay.deliver;

/** Where the result of a send goes. Completed once, from any thread; never throws, never works. */
public interface Completion {
  /** Kafka has the record, in this partition. */
  void acked(int partition);

  /** Kafka's client gave up on it. */
  void failed(Throwable error);

  /** Whether nothing else can be in its batch, so that what refuses the batch refuses it. */
  boolean isAlone();
}
