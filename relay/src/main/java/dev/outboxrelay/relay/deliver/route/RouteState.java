package dev.outboxrelay.relay.deliver.route;

import dev.outboxrelay.relay.fact.Trouble;

/**
 * Where a topic stands, for the present sender. Each state has only its legal exits as methods:
 *
 * <pre>
 *             an event comes              it is there
 *   Unknown ──────────────────▶ Asked ─────────────────▶ Open ◀───▶ Introducing
 *    ▲  ▲                         │  no answer            │  a partition's first record / its ack
 *    │  └─────────────────────────┘                       │               │
 *    └────────────────────────────────────────────────────┴───────────────┘
 *       idle for long, other partitions, a refusal
 *
 *   any of them ── it can't be written ──▶ Barred ── it is there ──▶ Open or Introducing
 * </pre>
 *
 * <p>What is open may be asked for, too, where acks do not come: that changes nothing here. For
 * another sender nothing is known but bars, which are asked about at once. Immutable.
 */
sealed interface RouteState {
  /** Whether events may be sent, as far as the topic is concerned. */
  default boolean isOpen() {
    return false;
  }

  /** What introduced the sender and may not be acked; or null. */
  default Introduction first() {
    return null;
  }

  /** It can't be written. */
  default Barred bar(Trouble trouble, long retryNanos) {
    return new Barred(trouble, retryNanos, first());
  }

  /**
   * Nothing is known, or nothing that still holds.
   *
   * @param first from when more was known
   */
  record Unknown(Introduction first) implements RouteState {
    Asked ask() {
      return new Asked(first);
    }
  }

  /** An answer is awaited. */
  record Asked(Introduction first) implements RouteState {
    RouteState ready() {
      return first == null ? new Open() : new Introducing(first);
    }

    Unknown unavailable() {
      return new Unknown(first);
    }
  }

  /** It can be written. */
  record Open() implements RouteState {
    @Override
    public boolean isOpen() {
      return true;
    }

    Introducing introduce(Introduction first) {
      return new Introducing(first);
    }

    Unknown doubt() {
      return new Unknown(null);
    }
  }

  /** It can be written; the first record of a partition has to be acked before others follow. */
  record Introducing(Introduction first) implements RouteState {
    @Override
    public boolean isOpen() {
      return true;
    }

    Open over() {
      return new Open();
    }

    Unknown doubt() {
      return new Unknown(first);
    }
  }

  /**
   * Its events wait.
   *
   * @param trouble what is wrong with it
   * @param retryNanos when to ask for it again
   */
  record Barred(Trouble trouble, long retryNanos, Introduction first) implements RouteState {
    RouteState ready() {
      return first == null ? new Open() : new Introducing(first);
    }

    /** Another sender follows. */
    Barred renew(long now) {
      return new Barred(trouble, now, null);
    }
  }
}
