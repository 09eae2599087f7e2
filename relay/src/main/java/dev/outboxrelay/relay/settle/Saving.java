package dev.outboxrelay.relay.settle;

import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.client.files.OutcomesFile;
import dev.outboxrelay.relay.deliver.Clocks;
import dev.outboxrelay.relay.deliver.InFlight;
import dev.outboxrelay.relay.deliver.Settled;
import dev.outboxrelay.relay.fact.Fact;
import dev.outboxrelay.relay.fact.Part;
import dev.outboxrelay.relay.sync.CycleSyncException;
import java.io.IOException;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;

/**
 * Saves up to where all is settled, at most once per interval. Told on the delivery thread, done on
 * the settling thread.
 */
final class Saving {
  private static final long RETRY_NANOS = TimeUnit.SECONDS.toNanos(1);

  /** A disk that fails for good costs events sent twice: 2<sup>12</sup> s apart in the end. */
  private static final int MOST_DOUBLINGS = 12;

  private final PositionStore positions;
  private final SettledFiles files;
  private final FactQueue facts;
  private final Clocks clocks;
  private final long intervalNanos;

  private final Ranges undelivered = new Ranges();
  private final Ranges sources = new Ranges();
  private volatile Settled settled;
  private volatile Settled saved;
  private volatile boolean hurry;

  private long nextSaveNanos;
  private boolean heldBack;
  private long failedCycle = -1;

  /** Whether that cycle is not marked yet, so that writers still append to it. */
  private boolean unmarked;

  private long helpNanos; // when something may be put behind a failed cycle
  private int helped; // so many times since a position was saved

  Saving(
      PositionStore positions,
      SettledFiles files,
      FactQueue facts,
      Clocks clocks,
      long intervalNanos,
      Settled start) {
    this.positions = positions;
    this.files = files;
    this.facts = facts;
    this.clocks = clocks;
    this.intervalNanos = intervalNanos;
    this.settled = start;
    this.saved = start;
    this.nextSaveNanos = clocks.nanos();
    this.helpNanos = nextSaveNanos;
  }

  void undelivered(long first, long last, InFlight.Outcome outcome) {
    undelivered.tell(first, last, outcome);
  }

  void ofSource(long sequence, InFlight.Outcome outcome) {
    sources.tell(sequence, sequence, outcome);
  }

  void settled(Settled upTo) {
    settled = upTo;
  }

  void hurry() {
    hurry = true;
  }

  Settled saved() {
    return saved;
  }

  boolean isUpToDate() {
    return Objects.equals(saved, settled);
  }

  /** How long until there is something to do; not positive if there is now. */
  long nanosToNext(long now) {
    if (isUpToDate()) {
      // Clients count what is held by what the position says.
      return saved != null && positions.isHeldOutdated() ? nextSaveNanos - now : Long.MAX_VALUE;
    }
    return hurry && !heldBack ? 0 : nextSaveNanos - now;
  }

  /** Saves if it is time; returns how many positions. */
  int work(long now) {
    if (nanosToNext(now) > 0) {
      return 0;
    }
    Settled upTo = settled;
    nextSaveNanos = now + intervalNanos;
    if (unmarked) {
      mark();
    }
    if (upTo.next().cycle() == failedCycle) {
      // A later sync could succeed without the data that the failed one lost: wait for the next
      // cycle, to which the writers have gone on.
      help(upTo, now);
      return 0;
    }
    List<OutcomesFile.Range> told = sources.unsaved(); // what is told later is asked about then
    heldBack = !positions.mayTell(told);
    if (heldBack) {
      return 0; // until the next interval, also in a hurry: somebody else has to save first
    }
    try {
      positions.save(upTo, undelivered.unsaved(), told, clocks.millis());
    } catch (IOException | OutboxError e) {
      nextSaveNanos = now + RETRY_NANOS;
      facts.failed(Part.POSITION, e);
      heldBack = true; // also in a hurry
      if (e instanceof CycleSyncException failure) {
        giveUp(failure.cycle());
      }
      return 0;
    }
    undelivered.saved();
    sources.saved();
    saved = upTo;
    helped = 0;
    facts.tell(new Fact.PositionSaved(upTo.sequence()));
    facts.done(Part.POSITION);
    return 1;
  }

  /** To a lane's outbox nobody may ever append again. */
  private void help(Settled upTo, long now) {
    if (unmarked || now - helpNanos < 0) {
      return;
    }
    try {
      if (positions.heldUp(upTo.sequence())) {
        helpNanos = now + (RETRY_NANOS << Math.min(helped, MOST_DOUBLINGS));
        helped++;
      }
    } catch (IOException | OutboxError e) {
      helpNanos = now + RETRY_NANOS;
      facts.failed(Part.POSITION, e);
    }
  }

  private void giveUp(long cycle) {
    failedCycle = cycle;
    unmarked = true;
    mark();
  }

  private void mark() {
    try {
      files.markFailed(failedCycle);
      unmarked = false;
      facts.done(Part.MARK_FAILED);
    } catch (OutboxError e) {
      facts.failed(Part.MARK_FAILED, e);
    }
  }
}
