package dev.outboxrelay.relay.deliver;

import dev.outboxrelay.relay.fact.Fact;
import dev.outboxrelay.relay.fact.Trouble;

/**
 * Where delivery stands with its sender; of topics {@code deliver.route} knows. Each state has only
 * its legal exits as methods:
 *
 * <pre>
 *                        connected                first ack, or nothing left to send
 *   Connecting ───────────────────────▶ Probing ────────────┐
 *    ▲  │  │  (nothing rewound: straight to Delivering)      ▼
 *    │  │  └────────────────────────────────────────────▶ Delivering ◀──▶ Stalled
 *    │  │ failed                                             │       an ack │
 *    │  ▼                          a verdict                 │              │
 *    ├─ BackingOff ◀─────────────────────────────────────────┤◀─────────────┘
 *    ├─ PausedAll  ◀─────────────────────────────────────────┤
 *    ├─ Renewing ◀─── other settings ────────────────────────┤
 *  retry after a delay, or nothing is in flight              └──▶ Fenced
 *
 *   any of them, on stop ──▶ Draining ──▶ Stopped ──▶ Idle (all is settled; opened again for more)
 * </pre>
 *
 * Immutable; times named {@code …Nanos} are of the loop's monotonic clock.
 */
public sealed interface DeliveryState {
  /** A stable name for metrics, status and logs. */
  String label();

  /** Whether records may be handed to the sender in this state. */
  default boolean sends() {
    return false;
  }

  /** What keeps events from being delivered; null if all is well. */
  default Trouble trouble() {
    return null;
  }

  /** A state that a stop can interrupt. */
  sealed interface Running extends DeliveryState {
    /**
     * Stop: nothing more is read, what is in flight may finish.
     *
     * @param deadlineNanos when waiting for it ends
     */
    default Draining drain(long deadlineNanos) {
      return new Draining(deadlineNanos);
    }
  }

  /** A state with a sender, which a verdict on one of its records can end. */
  sealed interface Connected extends Running {
    default BackingOff rebuild(Trouble trouble, long retryNanos) {
      return new BackingOff(trouble, retryNanos);
    }

    default PausedAll pauseAll(Trouble trouble, long retryNanos) {
      return new PausedAll(trouble, retryNanos);
    }

    /** Kafka does not answer, but the sender goes on trying. */
    default Connected stall(Trouble trouble) {
      return new Stalled(trouble);
    }

    default Fenced fence(Trouble trouble) {
      return new Fenced(trouble);
    }

    /**
     * The settings have changed.
     *
     * @param deadlineNanos when waiting for what is in flight ends
     */
    default Renewing renew(long deadlineNanos) {
      return new Renewing(trouble(), deadlineNanos);
    }
  }

  /** A state that ends by itself after a delay. */
  sealed interface Waiting extends Running {
    @Override
    Trouble trouble();

    /** When to try again. */
    long retryNanos();

    default Connecting retry() {
      return new Connecting(trouble());
    }
  }

  /**
   * A sender is being made.
   *
   * @param trouble what ended the one before, null at the start
   */
  record Connecting(Trouble trouble) implements Running {
    @Override
    public String label() {
      return "connecting";
    }

    /**
     * A sender is there.
     *
     * @param careful whether what was sent before has to be sent again
     */
    public Connected connected(boolean careful) {
      return careful ? new Probing(trouble) : new Delivering();
    }

    /** It takes longer than it should. */
    public Connecting late(Trouble latest) {
      return new Connecting(latest);
    }

    public BackingOff rebuild(Trouble latest, long retryNanos) {
      return new BackingOff(latest, retryNanos);
    }

    public PausedAll pauseAll(Trouble latest, long retryNanos) {
      return new PausedAll(latest, retryNanos);
    }
  }

  /** After a rewind one record is sent at a time until the first ack: that bounds duplicates. */
  record Probing(Trouble trouble) implements Connected {
    @Override
    public String label() {
      return "probing";
    }

    @Override
    public boolean sends() {
      return true;
    }

    /** The first ack came, or nothing is left that was to be sent again. */
    public Delivering over() {
      return new Delivering();
    }
  }

  /** All is well. */
  record Delivering() implements Connected {
    @Override
    public String label() {
      return "delivering";
    }

    @Override
    public boolean sends() {
      return true;
    }
  }

  /** Kafka does not answer; its client goes on trying by itself, and nothing is given up. */
  record Stalled(Trouble trouble) implements Connected {
    @Override
    public String label() {
      return "stalled";
    }

    @Override
    public boolean sends() {
      return true;
    }

    public Delivering recovered() {
      return new Delivering();
    }
  }

  /**
   * A sender with other settings is to replace this one, as soon as nothing is in flight. What ends
   * this sender in any other way makes a new one, too.
   */
  record Renewing(Trouble trouble, long deadlineNanos) implements Connected {
    @Override
    public String label() {
      return "renewing";
    }

    /** Its deadline ends it soon. */
    @Override
    public Renewing stall(Trouble latest) {
      return this;
    }

    public Connecting connect() {
      return new Connecting(trouble);
    }
  }

  /** The sender was discarded; a new one is made after a delay. */
  record BackingOff(Trouble trouble, long retryNanos) implements Waiting {
    @Override
    public String label() {
      return "backing-off";
    }
  }

  /** Nothing can be sent until an operator mends something; tried again after a delay. */
  record PausedAll(Trouble trouble, long retryNanos) implements Waiting {
    @Override
    public String label() {
      return "paused-all";
    }
  }

  /** Stopping: waits for what is in flight until the deadline. */
  record Draining(long deadlineNanos) implements DeliveryState {
    @Override
    public String label() {
      return "draining";
    }

    public Stopped stopped() {
      return new Stopped();
    }
  }

  /** The end. */
  record Stopped() implements DeliveryState {
    @Override
    public String label() {
      return Fact.StateChanged.STOPPED;
    }

    /** Where nothing is left to deliver, the outbox is watched without a sender. */
    public Idle idle() {
      return new Idle();
    }
  }

  /** All is settled and nothing is held open; the next append begins a delivery anew. */
  record Idle() implements DeliveryState {
    @Override
    public String label() {
      return "idle";
    }
  }

  /** The end: another producer took over. */
  record Fenced(Trouble trouble) implements DeliveryState {
    @Override
    public String label() {
      return "fenced";
    }
  }
}
