package dev.outboxrelay.relay.fleet;

import dev.outboxrelay.relay.deliver.Backoff;
import dev.outboxrelay.relay.fleet.WatchState.Closing;
import dev.outboxrelay.relay.fleet.WatchState.Idle;
import dev.outboxrelay.relay.fleet.WatchState.Leaving;
import dev.outboxrelay.relay.fleet.WatchState.OnHold;
import dev.outboxrelay.relay.fleet.WatchState.Open;
import dev.outboxrelay.relay.fleet.WatchState.Opening;
import dev.outboxrelay.relay.pipeline.OldestWaiting;
import dev.outboxrelay.relay.pipeline.OutboxAtRest;
import dev.outboxrelay.relay.pipeline.PipelineEnd;
import dev.outboxrelay.relay.pipeline.PipelineRefused;
import dev.outboxrelay.relay.pipeline.PipelineStatus;
import dev.outboxrelay.relay.pipeline.Service;
import dev.outboxrelay.relay.pipeline.Service.Stage;
import dev.outboxrelay.relay.sync.OutboxSync;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * One outbox of several: served while something waits in it, put aside while nothing does, tried
 * again when it can't be served. {@link #step} is for one thread at a time, which may hang with its
 * disk; {@link #answers} for the one that waits for it no longer; the rest for any.
 */
final class WatchedOutbox {
  /** A relay that is gone has let go of its lock at once, so it is asked for often. */
  private static final long HELD_RETRY_NANOS = TimeUnit.SECONDS.toNanos(1);

  private static final Backoff RETRY = new Backoff(Duration.ofSeconds(1), Duration.ofSeconds(30));

  /** Settled cycles that were kept, as OUTBOX_RETAIN says, may have to go. */
  private static final long HOUSEKEEPING_NANOS = TimeUnit.HOURS.toNanos(1);

  private final Path dir;
  private final Object identity;
  private final WatchContext context;
  private final WatchLog log;
  private final OutboxSync sync;
  private final OutboxSeries series;
  private final Hangs hangs;
  private volatile WatchState state;
  private volatile OutboxAtRest atRest;
  private volatile PipelineStatus last;
  private volatile boolean leaving;
  private boolean begun;

  /** It was found. Nothing is looked at yet. */
  WatchedOutbox(Path dir, Object identity, WatchContext context, long now) {
    this.dir = dir;
    this.identity = identity;
    this.context = context;
    this.log = new WatchLog(dir, context.clocks());
    this.sync = context.syncs().apply(dir);
    this.series = new OutboxSeries(dir, context.listener(), sync, context.clocks());
    this.state = new Idle(now + HOUSEKEEPING_NANOS);
    this.hangs = new Hangs(dir, context, log, now);
    log.found();
  }

  Path dir() {
    return dir;
  }

  Object identity() {
    return identity;
  }

  WatchState state() {
    return state;
  }

  /** Looks what is due; returns whether the state has changed. */
  boolean step(long now) {
    if (!begun) {
      begun = true;
      rest();
      show();
    }
    if (leaving) {
      leaveNow(state);
    }
    WatchState before = state;
    if (before instanceof Idle idle) {
      state = whileIdle(idle, now);
    } else if (before instanceof Opening opening) {
      state = whileOpening(opening, now);
    } else if (before instanceof Open open) {
      state = whileOpen(open, now);
    } else if (before instanceof Closing closing) {
      state = whileClosing(closing, now);
    } else if (before instanceof OnHold hold && now - hold.retryNanos() >= 0) {
      state = retry(hold, now);
    } else if (before instanceof Leaving leaving) {
      state = whileLeaving(leaving);
    }
    return !before.getClass().equals(state.getClass());
  }

  private WatchState whileIdle(Idle idle, long now) {
    boolean due = now - idle.nextHousekeepingNanos() >= 0;
    if (!isSettled() || (due && hasOldCycles())) {
      try {
        return idle.open(open());
      } catch (PipelineRefused e) {
        OutboxOnHold hold = hold(null, e);
        return idle.refused(hold, retryNanos(hold, now));
      }
    }
    return due ? idle.keepHouseAt(now + HOUSEKEEPING_NANOS) : idle;
  }

  private WatchState retry(OnHold before, long now) {
    try {
      return before.retry(open());
    } catch (PipelineRefused e) {
      OutboxOnHold hold = hold(before.hold(), e);
      return before.refused(hold, retryNanos(hold, now));
    }
  }

  private WatchState whileOpening(Opening opening, long now) {
    Stage stage = opening.service().stage();
    if (stage instanceof Stage.Refused refused) {
      OutboxOnHold hold = hold(opening.before(), refused.cause());
      return opening.refused(hold, retryNanos(hold, now));
    }
    if (stage instanceof Stage.Opening) {
      return opening;
    }
    if (stage instanceof Stage.Open open) {
      last = open.outbox().status();
      show();
    }
    if (opening.before() != null) {
      context.listener().onHold(dir, Optional.empty());
    }
    log.opened(opening.before());
    return opening.opened(now);
  }

  private WatchState whileOpen(Open open, long now) {
    if (open.service().stage() instanceof Stage.Ended ended) {
      last = ended.last();
      if (ended.end() instanceof PipelineEnd.OutboxGone) {
        return open.leave();
      }
      OutboxOnHold hold = hold(null, reason(ended.end()), error(ended.end()));
      return open.ended(hold, retryNanos(hold, now));
    }
    if (!isSettled()) {
      return open.busy(now);
    }
    if (now - open.quietSinceNanos() < context.idleAfter().toNanos()) {
      return open;
    }
    open.service().stop();
    return open.settleDown();
  }

  private WatchState whileClosing(Closing closing, long now) {
    if (!(closing.service().stage() instanceof Stage.Ended ended)) {
      return closing;
    }
    last = ended.last();
    if (ended.end() instanceof PipelineEnd.Stopped) {
      rest();
      sync.letGo();
      log.idle();
      return closing.idle(now + HOUSEKEEPING_NANOS);
    }
    if (ended.end() instanceof PipelineEnd.OutboxGone) {
      return closing.leave();
    }
    OutboxOnHold hold = hold(null, reason(ended.end()), error(ended.end()));
    return closing.ended(hold, retryNanos(hold, now));
  }

  private static WatchState whileLeaving(Leaving leaving) {
    Stage stage = leaving.service() == null ? null : leaving.service().stage();
    if (stage instanceof Stage.Open) {
      return leaving;
    }
    // One that is still opening has nothing to save, and ends by itself once it is open.
    if (!(stage instanceof Stage.Ended ended)) {
      return leaving.gone(0, true);
    }
    return ended.end() instanceof PipelineEnd.Stopped stopped
        ? leaving.gone(stopped.unsettled(), stopped.saved())
        : leaving.gone(0, ended.end() instanceof PipelineEnd.OutboxGone);
  }

  /** The directory is gone, or the relay stops: so the next step finds. */
  void leave() {
    leaving = true;
  }

  private void leaveNow(WatchState now) {
    if (now instanceof Idle idle) {
      state = idle.leave();
    } else if (now instanceof Opening opening) {
      state = opening.leave();
    } else if (now instanceof Open open) {
      state = open.leave();
    } else if (now instanceof Closing closing) {
      state = closing.leave();
    } else if (now instanceof OnHold hold) {
      state = hold.leave();
    }
    if (state instanceof Leaving leaving && leaving.service() != null) {
      leaving.service().stop();
    }
  }

  /** It is watched no more, and everything of it is closed. */
  void toldGone() {
    sync.close();
    log.gone();
  }

  private OutboxOnHold hold(OutboxOnHold before, Throwable cause) {
    return cause instanceof PipelineRefused refused
        ? hold(before, OutboxOnHold.reason(refused), refused.getMessage())
        : hold(before, OutboxOnHold.FAILED, cause.toString());
  }

  private OutboxOnHold hold(OutboxOnHold before, String reason, String error) {
    long millis = context.clocks().millis();
    OutboxOnHold hold =
        before == null
            ? new OutboxOnHold(dir, reason, error, millis, 1)
            : before.again(reason, error, millis);
    rest();
    if (reason.equals(OutboxOnHold.HELD)) {
      // Its lag is the other relay's to show, and only one may.
      series.hide();
    } else {
      show();
    }
    context.listener().onHold(dir, Optional.of(reason));
    log.onHold(hold);
    return hold;
  }

  private long retryNanos(OutboxOnHold hold, long now) {
    return now
        + (hold.reason().equals(OutboxOnHold.HELD)
            ? HELD_RETRY_NANOS
            : RETRY.delayNanos(hold.attempts(), context.random()));
  }

  private static String reason(PipelineEnd end) {
    if (end instanceof PipelineEnd.OtherFormat) {
      return OutboxOnHold.OTHER_FORMAT;
    }
    return end instanceof PipelineEnd.Fenced ? OutboxOnHold.FENCED : OutboxOnHold.FAILED;
  }

  private static String error(PipelineEnd end) {
    if (end instanceof PipelineEnd.OtherFormat other) {
      return other.error();
    }
    if (end instanceof PipelineEnd.Fenced fenced) {
      return fenced.error() + "; another relay took this outbox over: stop one of the two";
    }
    return end instanceof PipelineEnd.Failed failed
        ? failed.cause().toString()
        : "its pipeline stopped, and nobody asked it to";
  }

  /**
   * Begins to serve it.
   *
   * @throws PipelineRefused if the relay's lock is not to be had; nothing was made for it then
   */
  private Service open() {
    try {
      return series.open(context.opener().claim(dir));
    } catch (PipelineRefused e) {
      throw e;
    } catch (RuntimeException e) {
      // What its files say is its owner's to choose: whatever comes of it ends no other outbox.
      throw new PipelineRefused.Unusable(dir + ": " + e, e);
    }
  }

  private boolean isSettled() {
    try {
      return context.files().isSettled(dir);
    } catch (IOException | RuntimeException e) {
      // Opening it will tell what is wrong.
      return false;
    }
  }

  private boolean hasOldCycles() {
    try {
      return context.files().hasOldCycles(dir);
    } catch (IOException | RuntimeException e) {
      return true;
    }
  }

  /** What its files say is what there is to show while no pipeline serves it. */
  private void rest() {
    try {
      atRest =
          OutboxAtRest.look(dir, series.counts(), sync::unsynced, context.clocks().millis())
              .orElse(null);
    } catch (IOException | RuntimeException e) {
      atRest = null;
    }
  }

  private void show() {
    if (atRest != null || last != null) {
      series.show(() -> status(context.clocks().nanos()).orElse(last));
    }
  }

  /** Where it stands; empty if that was never known. */
  Optional<PipelineStatus> status(long tickNanos) {
    WatchState now = state;
    Service service = service(now);
    if (service != null && service.stage() instanceof Stage.Open open) {
      last = open.outbox().status();
      return Optional.of(last);
    }
    OutboxAtRest resting = atRest;
    return resting == null ? Optional.ofNullable(last) : Optional.of(resting.status(tickNanos));
  }

  /**
   * Looks at its files for the next {@link #status}; for one thread, which may hang with a disk.
   */
  void look(OldestWaiting oldest) {
    Service service = state instanceof Open open ? open.service() : null;
    OutboxAtRest resting = atRest;
    if (service != null && service.stage() instanceof Stage.Open open) {
      open.outbox().look(oldest);
    } else if (resting != null) {
      resting.lookAgain(oldest, context.clocks().nanos());
    }
  }

  /** What may be serving it, also if nobody has looked yet whether it is open; or null. */
  private static Service service(WatchState now) {
    if (now instanceof Opening opening) {
      return opening.service();
    }
    return now instanceof Open open
        ? open.service()
        : now instanceof Closing closing ? closing.service() : null;
  }

  /**
   * What to have synced: all but what another relay sees to. Clients may well append to what the
   * relay can't serve, for a fault of its dead letters for example.
   */
  Optional<OutboxSync> sync() {
    boolean held = refused().filter(hold -> hold.reason().equals(OutboxOnHold.HELD)).isPresent();
    return held ? Optional.empty() : Optional.of(sync);
  }

  /**
   * Takes note of whether its disk answers.
   *
   * @param stepped whether the last step has come to an end
   */
  void answers(boolean stepped, long now) {
    WatchState at = state;
    if (at instanceof Open || (stepped && !(at instanceof Opening))) {
      hangs.answered(refused(), now);
    } else {
      hangs.waited(now);
    }
  }

  /** Why it can't be served; empty if it can. */
  Optional<OutboxOnHold> onHold() {
    return hangs.now().or(this::refused);
  }

  private Optional<OutboxOnHold> refused() {
    WatchState now = state;
    if (now instanceof OnHold hold) {
      return Optional.of(hold.hold());
    }
    return now instanceof Opening opening
        ? Optional.ofNullable(opening.before())
        : Optional.empty();
  }
}
