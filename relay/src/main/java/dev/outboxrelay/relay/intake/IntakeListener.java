package dev.outboxrelay.relay.intake;

/** What the intake tells. Called on the delivery thread. */
public interface IntakeListener {
  /** A valid record whose sequence is not above that of the one before; it is delivered. */
  default void outOfSequence(long sequence, long previous) {}
}
