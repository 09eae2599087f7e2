package dev.outboxrelay.relay.fleet;

import dev.outboxrelay.relay.fleet.WatchState.Gone;
import dev.outboxrelay.relay.pipeline.OldestWaiting;
import dev.outboxrelay.relay.pipeline.PipelineEnd;
import dev.outboxrelay.relay.pipeline.PipelineStatus;
import dev.outboxrelay.relay.rounds.Rounds;
import dev.outboxrelay.relay.sync.OutboxSync;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Finds outboxes and sees to each of them; none of them can hold up another, nor can its disk.
 * {@link #doWork} is one turn, for one thread; {@link #status} and {@link #stop} may be called from
 * any.
 */
final class OutboxWatch {
  /** A step reads a few pages, and opens a file or two. */
  static final Duration PATIENCE = Duration.ofMillis(300);

  private final WatchContext context;
  private final Rounds<WatchedOutbox> steps;
  private final Rounds<WatchedOutbox> looks;
  private final SearchLog searchLog = new SearchLog();

  /** By path; one whose directory is gone stays until its pipeline has ended. */
  private final Map<Path, WatchedOutbox> watched = new TreeMap<>();

  private volatile List<WatchedOutbox> snapshot = List.of();
  private volatile long tickNanos;
  private volatile boolean stopping;
  private volatile boolean ended;
  private int unsettled;
  private boolean saved = true;

  OutboxWatch(WatchContext context) {
    this.context = context;
    this.steps = new Rounds<>(context.threads(), PATIENCE);
    this.looks = new Rounds<>(context.threads(), PATIENCE);
    this.tickNanos = context.clocks().nanos();
  }

  /** One turn; returns how many outboxes changed. */
  int doWork() {
    long now = context.clocks().nanos();
    int changed = 0;
    if (stopping) {
      watched.values().forEach(WatchedOutbox::leave);
    } else {
      changed += look(now);
    }
    AtomicInteger stepped = new AtomicInteger();
    steps.visit(watched.values(), outbox -> stepped.addAndGet(outbox.step(now) ? 1 : 0));
    changed += stepped.get();
    for (WatchedOutbox outbox : List.copyOf(watched.values())) {
      outbox.answers(!steps.isLeftBehind(outbox), now);
      if (outbox.state() instanceof Gone gone) {
        unsettled += gone.unsettled();
        saved &= gone.saved();
        watched.remove(outbox.dir());
        context.listener().gone(outbox.dir());
        outbox.toldGone();
      }
    }
    snapshot = List.copyOf(watched.values());
    tickNanos = context.clocks().nanos();
    ended = stopping && watched.isEmpty();
    return changed;
  }

  private int look(long now) {
    OutboxFiles.Found found = context.files().search();
    searchLog.unreadable(found.unreadable());
    int changed = 0;
    for (WatchedOutbox outbox : watched.values()) {
      if (found.isGone(outbox.dir(), outbox.identity())) {
        outbox.leave();
      }
    }
    for (Map.Entry<Path, Object> each : found.outboxes().entrySet()) {
      // One that took another's place waits until that one's pipeline has ended.
      if (!watched.containsKey(each.getKey())) {
        watched.put(each.getKey(), new WatchedOutbox(each.getKey(), each.getValue(), context, now));
        changed++;
      }
    }
    return changed;
  }

  /** Asks all to end. */
  void stop() {
    stopping = true;
  }

  boolean isStopping() {
    return stopping;
  }

  /** What all of them came to, once all have ended; empty before. */
  Optional<PipelineEnd> end() {
    return ended ? Optional.of(new PipelineEnd.Stopped(unsettled, saved)) : Optional.empty();
  }

  /** What to have synced now. */
  List<OutboxSync> syncs() {
    return snapshot.stream().flatMap(outbox -> outbox.sync().stream()).toList();
  }

  /** Looks at the files of each; for one thread, not that of {@link #doWork}. */
  void look(OldestWaiting oldest) {
    looks.visit(snapshot, outbox -> outbox.look(oldest));
  }

  FleetStatus status() {
    long tick = tickNanos;
    List<PipelineStatus> open = new ArrayList<>();
    List<OutboxOnHold> onHold = new ArrayList<>();
    for (WatchedOutbox outbox : snapshot) {
      Optional<OutboxOnHold> hold = outbox.onHold();
      if (hold.isPresent()) {
        onHold.add(hold.get());
      } else {
        outbox.status(tick).ifPresent(open::add);
      }
    }
    return new FleetStatus(open, onHold, OptionalLong.of(tick));
  }
}
