package dev.outboxrelay.relay.fleet;

import dev.outboxrelay.relay.pipeline.Service;

/**
 * Where a watched outbox stands. Each state has only its legal exits as methods:
 *
 * <pre>
 *            something waits         opened              all settled and quiet
 *   Idle ─────────────────────▶ Opening ──────▶ Open ─────────────────────────▶ Closing
 *    ▲ │                         │   ▲           │ fenced, failed                │   │
 *    │ │ held             refused│   │           ▼                               │   │
 *    │ └─────────────────────────┴──▶│◀─ OnHold ◀────────────────────────────────┼───┘
 *    │                        after a delay                                      │
 *    └───────────────────────────────────────────────────────────────────────────┘ stopped
 *
 *   any of them, when the directory is gone or the relay stops ──▶ Leaving ──▶ Gone
 * </pre>
 *
 * Immutable; times named {@code …Nanos} are of the monotonic clock.
 */
sealed interface WatchState {
  /** Nothing holds resources for it; its files are looked at. */
  record Idle(long nextHousekeepingNanos) implements WatchState {
    Opening open(Service service) {
      return new Opening(service, null);
    }

    OnHold refused(OutboxOnHold hold, long retryNanos) {
      return new OnHold(hold, retryNanos);
    }

    Idle keepHouseAt(long nanos) {
      return new Idle(nanos);
    }

    Leaving leave() {
      return new Leaving(null);
    }
  }

  /**
   * A service has begun.
   *
   * @param before what the last attempt failed of; null if none did
   */
  record Opening(Service service, OutboxOnHold before) implements WatchState {
    Open opened(long now) {
      return new Open(service, now);
    }

    OnHold refused(OutboxOnHold hold, long retryNanos) {
      return new OnHold(hold, retryNanos);
    }

    Leaving leave() {
      return new Leaving(service);
    }
  }

  /**
   * It delivers.
   *
   * @param quietSinceNanos when something was last seen to wait
   */
  record Open(Service service, long quietSinceNanos) implements WatchState {
    Open busy(long now) {
      return new Open(service, now);
    }

    Closing settleDown() {
      return new Closing(service);
    }

    OnHold ended(OutboxOnHold hold, long retryNanos) {
      return new OnHold(hold, retryNanos);
    }

    Leaving leave() {
      return new Leaving(service);
    }
  }

  /** All was settled and quiet; what was held for it is let go of. */
  record Closing(Service service) implements WatchState {
    Idle idle(long nextHousekeepingNanos) {
      return new Idle(nextHousekeepingNanos);
    }

    OnHold ended(OutboxOnHold hold, long retryNanos) {
      return new OnHold(hold, retryNanos);
    }

    Leaving leave() {
      return new Leaving(service);
    }
  }

  /** It can't be served now. */
  record OnHold(OutboxOnHold hold, long retryNanos) implements WatchState {
    Opening retry(Service service) {
      return new Opening(service, hold);
    }

    OnHold refused(OutboxOnHold again, long nextNanos) {
      return new OnHold(again, nextNanos);
    }

    Leaving leave() {
      return new Leaving(null);
    }
  }

  /** It is watched no more. The service, if there is one, is told to end. */
  record Leaving(Service service) implements WatchState {
    /**
     * The end.
     *
     * @param unsettled what was in flight
     * @param saved whether its position is on disk
     */
    Gone gone(int unsettled, boolean saved) {
      return new Gone(unsettled, saved);
    }
  }

  /** The end. */
  record Gone(int unsettled, boolean saved) implements WatchState {}
}
