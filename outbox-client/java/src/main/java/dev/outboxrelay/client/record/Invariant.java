package dev.outboxrelay.client.record;

import dev.outboxrelay.client.OutboxCorrupt;

/** The invariants of FORMAT.md, where one is found not to hold. No data is touched then. */
public final class Invariant {
  private Invariant() {}

  /**
   * The error to throw.
   *
   * @param number as in {@code FORMAT I1}
   * @param what was found instead
   */
  public static OutboxCorrupt broken(int number, String what) {
    return new OutboxCorrupt(
        "FORMAT I"
            + number
            + " does not hold: "
            + what
            + "; nothing was changed: keep a copy of the outbox, and report it");
  }
}
