package dev.outboxrelay.relay.settle;

import dev.outboxrelay.client.DeliveryOutcome;
import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.client.format.OutboxPaths;
import dev.outboxrelay.client.format.OutcomesFile.Range;
import dev.outboxrelay.client.format.WriterOptions;
import dev.outboxrelay.relay.deliver.Clocks;
import dev.outboxrelay.relay.deliver.InFlight;
import dev.outboxrelay.relay.deliver.Settled;
import dev.outboxrelay.relay.deliver.Settlement;
import dev.outboxrelay.relay.deliver.Verdict;
import dev.outboxrelay.relay.quarantine.Quarantine;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Makes durable what delivery has settled. Delivery asks through {@link Settlement} and reads
 * {@link #poll reports}; the work, which blocks on the disk, is done by {@link #doWork} on another
 * thread. Whatever fails is reported and tried again, as long as it takes.
 */
public final class Settler implements Settlement {
  private static final long RETRY_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final long DELETE_EVERY_NANOS = TimeUnit.SECONDS.toNanos(5);

  private final PositionStore positions;
  private final DeadLetterStore deadLetters;
  private final Quarantine quarantine;
  private final Housekeeping housekeeping;
  private final Clocks clocks;
  private final long intervalNanos;
  private final long retainMillis;

  // From delivery to here, and back.
  private final AtomicReference<Settled> latest;
  private final Queue<Range> undelivered = new ConcurrentLinkedQueue<>();
  private final Queue<Job> jobs = new ConcurrentLinkedQueue<>();
  private final Queue<Report> reports = new ConcurrentLinkedQueue<>();
  private volatile boolean hurry;
  private volatile Settled saved;

  // Of the settling thread.
  private final List<Range> unsavedRanges = new ArrayList<>();
  private long nextSaveNanos;
  private long nextJobNanos;
  private long nextDeletionNanos;
  private long failedCycle = -1;

  private Settler(
      PositionStore positions,
      DeadLetterStore deadLetters,
      Quarantine quarantine,
      Housekeeping housekeeping,
      Pace pace,
      Clocks clocks,
      Settled start) {
    this.positions = positions;
    this.deadLetters = deadLetters;
    this.quarantine = quarantine;
    this.housekeeping = housekeeping;
    this.clocks = clocks;
    this.intervalNanos = pace.checkpointInterval().toNanos();
    this.retainMillis = pace.retain().toMillis();
    this.latest = new AtomicReference<>(start);
    this.saved = start;
    this.nextSaveNanos = clocks.nanos();
    this.nextJobNanos = nextSaveNanos;
    this.nextDeletionNanos = nextSaveNanos;
  }

  /** Whose position it is. */
  public record Owner(UUID outboxId, long generation) {}

  /**
   * How often things are done.
   *
   * @param checkpointInterval between two positions while events flow
   * @param retain how long settled cycles are kept; zero = deleted once settled
   */
  public record Pace(Duration checkpointInterval, Duration retain) {}

  /**
   * Opens the files.
   *
   * @param start the saved position, or null if there is none
   */
  public static Settler open(
      Owner owner,
      DeadLetterStore deadLetters,
      WriterOptions options,
      Pace pace,
      Clocks clocks,
      Settled start)
      throws IOException {
    OutboxPaths paths = options.paths();
    long cycle = start == null ? 0 : start.next().cycle();
    return new Settler(
        new PositionStore(paths, owner, cycle),
        deadLetters,
        new Quarantine(paths),
        new Housekeeping(options),
        pace,
        clocks,
        start);
  }

  /** Something that is to be made durable before its record counts as settled. */
  private sealed interface Job {
    /** A stable name for logs. */
    String what();
  }

  private record DeadLetterJob(InFlight record, Verdict.DeadLetter verdict) implements Job {
    @Override
    public String what() {
      return "dead-letter";
    }
  }

  private record QuarantineJob(InFlight record, String reason) implements Job {
    @Override
    public String what() {
      return "quarantine";
    }
  }

  private record SealJob(long cycle) implements Job {
    @Override
    public String what() {
      return "seal";
    }
  }

  @Override
  public void deadLetter(InFlight record, Verdict.DeadLetter verdict) {
    jobs.add(new DeadLetterJob(record, verdict));
  }

  @Override
  public void quarantine(InFlight damage, String reason) {
    jobs.add(new QuarantineJob(damage, reason));
  }

  @Override
  public void undelivered(long firstSequence, long lastSequence, InFlight.Outcome outcome) {
    DeliveryOutcome code =
        outcome == InFlight.Outcome.DEAD ? DeliveryOutcome.DEAD : DeliveryOutcome.QUARANTINED;
    undelivered.add(new Range(firstSequence, lastSequence, code));
  }

  @Override
  public void settled(Settled upTo) {
    latest.set(upTo);
  }

  /** Mends the end of a cycle that is not the newest. For the delivery thread. */
  public void seal(long cycle) {
    jobs.add(new SealJob(cycle));
  }

  /** The next report, or null. For the delivery thread. */
  public Report poll() {
    return reports.poll();
  }

  /** Save without waiting for the interval from now on: the relay stops. */
  public void hurry() {
    hurry = true;
  }

  /** The position on stable storage; null if there is none. From any thread. */
  public Settled saved() {
    return saved;
  }

  /** Whether all that is settled is saved. From any thread. */
  public boolean isUpToDate() {
    return Objects.equals(saved, latest.get()) && jobs.isEmpty();
  }

  /** One turn; returns how much was done. For the settling thread. */
  public int doWork() {
    long now = clocks.nanos();
    return doJobs(now) + save(now) + delete(now);
  }

  private int doJobs(long now) {
    if (now - nextJobNanos < 0) {
      return 0;
    }
    int done = 0;
    for (Job job = jobs.peek(); job != null; job = jobs.peek()) {
      try {
        carryOut(job);
        jobs.remove();
        done++;
      } catch (IOException | OutboxError e) {
        reports.add(new Report.JobFailed(job.what(), e.toString()));
        nextJobNanos = now + RETRY_NANOS;
        break;
      }
    }
    return done;
  }

  private void carryOut(Job job) throws IOException {
    if (job instanceof DeadLetterJob dead) {
      InFlight record = dead.record();
      deadLetters.add(record, dead.verdict());
      record.done();
      reports.add(
          new Report.DeadLettered(record.topic(), dead.verdict().reason(), record.sequence()));
    } else if (job instanceof QuarantineJob damage) {
      InFlight record = damage.record();
      quarantine.keep(record.cycle(), record.offset(), record.next().offset());
      record.done();
      reports.add(
          new Report.Quarantined(record.cycle(), record.offset(), record.bytes(), damage.reason()));
    } else if (job instanceof SealJob seal) {
      housekeeping.seal(seal.cycle());
    }
  }

  private int save(long now) {
    Settled upTo = latest.get();
    if (Objects.equals(upTo, saved) || (!hurry && now - nextSaveNanos < 0)) {
      return 0;
    }
    for (Range range = undelivered.poll(); range != null; range = undelivered.poll()) {
      unsavedRanges.add(range);
    }
    nextSaveNanos = now + intervalNanos;
    if (upTo.next().cycle() == failedCycle) {
      // A later sync could succeed without the data that the failed one lost: wait for the next
      // cycle, to which the writers have gone on.
      return 0;
    }
    try {
      positions.save(upTo, unsavedRanges, clocks.millis());
      unsavedRanges.clear();
      saved = upTo;
      reports.add(new Report.Saved(upTo.sequence()));
      return 1;
    } catch (IOException e) {
      nextSaveNanos = now + RETRY_NANOS;
      reports.add(new Report.SaveFailed(e.toString()));
      if (e instanceof CycleSyncException failure) {
        giveUp(failure.cycle());
      }
      return 0;
    }
  }

  private void giveUp(long cycle) {
    try {
      housekeeping.markFailed(cycle);
      failedCycle = cycle;
    } catch (OutboxError e) {
      reports.add(new Report.JobFailed("mark-failed", e.toString()));
    }
  }

  private int delete(long now) {
    if (saved == null || now - nextDeletionNanos < 0) {
      return 0;
    }
    nextDeletionNanos = now + DELETE_EVERY_NANOS;
    try {
      long olderThan = retainMillis == 0 ? Long.MAX_VALUE : clocks.millis() - retainMillis;
      Housekeeping.Deleted deleted = housekeeping.deleteSettled(saved.next().cycle(), olderThan);
      if (deleted.cycles() > 0) {
        reports.add(new Report.CycleDeleted(deleted.newestCycle(), deleted.bytes()));
      }
      return deleted.cycles();
    } catch (IOException | OutboxError e) {
      reports.add(new Report.JobFailed("delete", e.toString()));
      return 0;
    }
  }

  /** Closes the files; only when the settling thread has ended. */
  void close() throws IOException {
    try (positions;
        deadLetters;
        housekeeping) {
      // Closed in this order.
    }
  }
}
