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
 *                                            │ for long
 *                                            ▼     it is there         little is left
 *                                          Parked ─────────────▶ Draining ◀─────▶ Closing
 *                                            ▲   the lane gets no further │  it takes long │ empty
 *                                            └────────────────────────────┘                ▼
 *                                                                                       Unknown
 *                                             (also from Draining, if only replays are left,
 *                                              and from Barred and Parked, if all of it was given up)
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

  /**
   * It can't be written.
   *
   * @param retryNanos when to ask for it again
   */
  default RouteState bar(Trouble trouble, long retryNanos, long now) {
    return new Barred(trouble, now, retryNanos, first());
  }

  /** What bars it; null if nothing does. */
  default Trouble trouble() {
    return null;
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

  /** A state that ends when the topic can be written. */
  sealed interface Unwritable extends RouteState {
    /** When to ask for it again. */
    long retryNanos();

    /** There was no answer that tells anything. */
    Unwritable retry(long nextNanos);

    /** Nothing of it waits any more: whether it can be written its next event shows. */
    default Unknown forget() {
      return new Unknown(first());
    }

    /** Another sender follows. */
    default Unwritable renew(long now) {
      return retry(now);
    }
  }

  /**
   * Its events wait.
   *
   * @param trouble what is wrong with it
   * @param sinceNanos when that began
   */
  record Barred(Trouble trouble, long sinceNanos, long retryNanos, Introduction first)
      implements Unwritable {
    @Override
    public Barred bar(Trouble latest, long nextNanos, long now) {
      return new Barred(latest, sinceNanos, nextNanos, first);
    }

    RouteState ready() {
      return first == null ? new Open() : new Introducing(first);
    }

    /** Its events go to its lane: what is on its way is sent again there. */
    Parked park() {
      return new Parked(trouble, retryNanos);
    }

    /** The same, as if it had begun at that time. */
    Barred since(long nanos) {
      return new Barred(trouble, nanos, retryNanos, first);
    }

    @Override
    public Barred retry(long nextNanos) {
      return new Barred(trouble, sinceNanos, nextNanos, first);
    }

    @Override
    public Barred renew(long now) {
      return new Barred(trouble, sinceNanos, now, null);
    }
  }

  /** A state in which its lane has events, which others must not overtake. */
  sealed interface Laned extends RouteState {
    /** Whether its events go to its lane. */
    default boolean parks() {
      return true;
    }

    @Override
    default Parked bar(Trouble latest, long nextNanos, long now) {
      return new Parked(latest, nextNanos);
    }
  }

  /**
   * Its lane waits.
   *
   * @param trouble what is wrong with it; null for what an earlier run has left
   */
  record Parked(Trouble trouble, long retryNanos) implements Laned, Unwritable {
    Draining ready(long now) {
      return new Draining(trouble, now);
    }

    @Override
    public Parked retry(long nextNanos) {
      return new Parked(trouble, nextNanos);
    }
  }

  /**
   * Its lane delivers, or is about to.
   *
   * @param notBeforeNanos when it may be closed
   */
  record Draining(Trouble trouble, long notBeforeNanos) implements Laned {
    /**
     * Little is left: what comes now waits for that, and not in the lane.
     *
     * @param deadlineNanos until when
     */
    Closing close(long deadlineNanos) {
      return new Closing(trouble, deadlineNanos);
    }

    /** Nothing is left for which others would wait. */
    Unknown empty() {
      return new Unknown(null);
    }
  }

  /** What is left in its lane is about to be settled. */
  record Closing(Trouble trouble, long deadlineNanos) implements Laned {
    @Override
    public boolean parks() {
      return false;
    }

    /** It takes too long. */
    Draining late(long notBeforeNanos) {
      return new Draining(trouble, notBeforeNanos);
    }

    Unknown empty() {
      return new Unknown(null);
    }
  }
}
