package dev.outboxrelay.relay.deliver.route;

/**
 * Where a topic stands, for the present sender. Each state has only its legal exits as methods:
 *
 * <pre>
 *             an event comes              it is there
 *   Unknown ──────────────────▶ Asked ─────────────────▶ Open ◀───▶ Introducing
 *    ▲  ▲                         │  it is not            │  a partition's first record / its ack
 *    │  └─────────────────────────┘                       │               │
 *    └────────────────────────────────────────────────────┴───────────────┘
 *       idle for long, other partitions, a refusal
 * </pre>
 *
 * <p>What is open may be asked for, too, where acks do not come: that changes nothing here. Another
 * sender begins with nothing known. Immutable.
 */
sealed interface RouteState {
  /** Whether events may be sent, as far as the topic is concerned. */
  default boolean isOpen() {
    return false;
  }

  /**
   * Nothing is known, or nothing that still holds.
   *
   * @param first what introduced the sender when more was known, and may not be acked; or null
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
}
