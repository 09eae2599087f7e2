package dev.outboxrelay.relay.settle;

import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.Position;
import dev.outboxrelay.client.files.PositionFile;
import dev.outboxrelay.client.writing.HeldDirectories;
import dev.outboxrelay.client.writing.WriterOptions;
import dev.outboxrelay.relay.deliver.Clocks;
import dev.outboxrelay.relay.deliver.InFlight;
import dev.outboxrelay.relay.deliver.Settled;
import dev.outboxrelay.relay.deliver.Settlement;
import dev.outboxrelay.relay.fact.DeadLetterReason;
import dev.outboxrelay.relay.fact.Fact;
import dev.outboxrelay.relay.fact.Part;
import dev.outboxrelay.relay.fact.Trouble;
import dev.outboxrelay.relay.fact.Verdict;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import java.util.function.LongSupplier;

/**
 * Makes durable what delivery has settled. Delivery asks through {@link Settlement} and reads what
 * comes of it from {@link #poll}; the work, which blocks on the disk, is done by {@link #doWork} on
 * another thread. Whatever fails is reported and tried again, as long as it takes.
 */
public final class Settler implements Settlement {
  private static final long DELETE_EVERY_NANOS = TimeUnit.SECONDS.toNanos(5);

  private final SettledFiles files;
  private final DeadLetterStore deadLetters;
  private final Clocks clocks;
  private final long retainMillis;
  private final FactQueue facts = new FactQueue();
  private final Jobs jobs;
  private final Saving saving;
  private final TroubleNews news;
  private volatile Thread waiting;
  private long nextDeletionNanos;
  private Chores chores; // null if there are none

  /**
   * On files that are open.
   *
   * @param heldByLetters what dead letters hold that counts towards the cap
   * @param heldBytes which the position on disk tells; 0 if there is none
   * @param start the saved position, or null if there is none
   */
  Settler(
      Owner owner,
      SettledFiles files,
      ParkedStore parked,
      DeadLetterStore deadLetters,
      Origin origin,
      LongSupplier heldByLetters,
      Pace pace,
      Clocks clocks,
      long heldBytes,
      Settled start) {
    this.files = files;
    this.deadLetters = deadLetters;
    this.news = new TroubleNews(files, clocks);
    this.clocks = clocks;
    this.retainMillis = pace.retain().toMillis();
    this.jobs = new Jobs(parked, deadLetters, files, facts);
    PositionStore positions =
        new PositionStore(files, owner, parked, origin, heldByLetters, heldBytes);
    long intervalNanos = pace.checkpointInterval().toNanos();
    this.saving = new Saving(positions, files, facts, clocks, intervalNanos, start);
    this.nextDeletionNanos = clocks.nanos();
  }

  /** Whose position it is. */
  public record Owner(UUID outboxId, long generation) {}

  /**
   * Where events go that are not delivered, and what became of them. The settler closes the dead
   * letters, and nothing else.
   *
   * @param parked those whose topic can't be written for long; null if they wait in the queue
   * @param deadLetters those that Kafka will never take
   * @param outcomes what became of them
   * @param origin from where these events were parked; null if they were not
   * @param heldByLetters how much space dead letters hold that count towards this outbox's cap
   */
  public record Places(
      ParkedStore parked,
      DeadLetterStore deadLetters,
      Outcomes outcomes,
      Origin origin,
      LongSupplier heldByLetters) {}

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
   * @param options by which the writers' lock is taken
   * @param held the outbox's directories, by which everything is opened; they stay open meanwhile
   * @param start the saved position, or null if there is none
   */
  public static Settler open(
      Owner owner,
      Places places,
      WriterOptions options,
      HeldDirectories held,
      Pace pace,
      Clocks clocks,
      Settled start)
      throws IOException {
    OutboxIdentity outbox =
        new OutboxIdentity(owner.outboxId(), Math.toIntExact(owner.generation()));
    long heldBytes = PositionFile.find(held.paths().position()).map(Position::heldBytes).orElse(0L);
    long cycle = start == null ? 0 : start.next().cycle();
    return new Settler(
        owner,
        new SettledFilesOnDisk(held, outbox, places.outcomes(), cycle, options),
        places.parked(),
        places.deadLetters(),
        places.origin(),
        places.heldByLetters(),
        pace,
        clocks,
        heldBytes,
        start);
  }

  /** Does these, too; comes before its first turn. It closes them. */
  public void alsoDo(Function<Chores.Report, Chores> more) {
    chores =
        more.apply(
            new Chores.Report() {
              @Override
              public void failed(Exception error) {
                facts.failed(Part.CONTROL, error);
              }

              @Override
              public void done() {
                facts.done(Part.CONTROL);
              }

              @Override
              public void tell(Fact fact) {
                facts.tell(fact);
              }
            });
  }

  @Override
  public DeadLetterReason diedBefore(InFlight record) {
    return deadLetters.diedBefore(record.sequence(), record.eventId());
  }

  @Override
  public void deadLetter(InFlight record, Verdict.DeadLetter verdict) {
    jobs.deadLetter(record, verdict);
    wakeUp();
  }

  @Override
  public void park(InFlight record) {
    jobs.park(record);
    wakeUp();
  }

  @Override
  public void quarantine(InFlight damage, String reason) {
    jobs.quarantine(damage, reason);
    wakeUp();
  }

  /** Mends the end of a cycle that is not the newest. For the delivery thread. */
  public void seal(long cycle) {
    jobs.seal(cycle);
    wakeUp();
  }

  @Override
  public void undelivered(long firstSequence, long lastSequence, InFlight.Outcome outcome) {
    saving.undelivered(firstSequence, lastSequence, outcome);
  }

  @Override
  public void ofSource(long sequence, InFlight.Outcome outcome) {
    saving.ofSource(sequence, outcome);
  }

  @Override
  public void cluster(String id) {
    jobs.cluster(id);
    wakeUp();
  }

  @Override
  public void settled(Settled upTo) {
    saving.settled(upTo);
    wakeUp();
  }

  /** Save without waiting for the interval from now on: the relay stops. */
  public void hurry() {
    saving.hurry();
    wakeUp();
  }

  /** What is wrong now, for who looks at files. For the delivery thread. */
  public void troubles(List<Trouble> now) {
    if (news.tell(now)) {
      wakeUp();
    }
  }

  /** The next fact to tell, or null. For the delivery thread. */
  public Fact poll() {
    return facts.poll();
  }

  /** The position on stable storage; null if there is none. From any thread. */
  public Settled saved() {
    return saving.saved();
  }

  /** Whether all that is settled is saved. From any thread. */
  public boolean isUpToDate() {
    return saving.isUpToDate() && jobs.isEmpty();
  }

  /** One turn; returns how much was done. For the settling thread. */
  public int doWork() {
    long now = clocks.nanos();
    int done = jobs.work(now);
    int saved = saving.work(now);
    if (saved > 0) {
      deadLetters.settled(saving.saved().sequence());
    }
    news.work(now);
    int more = chores == null ? 0 : chores.work(now);
    return done + saved + more + jobs.keepUp(now) + jobs.bring(now) + delete(now);
  }

  private int delete(long now) {
    Settled saved = saving.saved();
    if (saved == null || now - nextDeletionNanos < 0) {
      return 0;
    }
    nextDeletionNanos = now + DELETE_EVERY_NANOS;
    try {
      long olderThan = retainMillis == 0 ? Long.MAX_VALUE : clocks.millis() - retainMillis;
      SettledFiles.Deleted deleted = files.deleteSettled(saved.next().cycle(), olderThan);
      if (deleted.cycles() > 0) {
        facts.tell(new Fact.CyclesDeleted(deleted.newestCycle(), deleted.bytes()));
      }
      facts.done(Part.DELETION);
      return deleted.cycles();
    } catch (IOException | OutboxError e) {
      facts.failed(Part.DELETION, e);
      return 0;
    }
  }

  /** Waits until there may be something to do. For the settling thread. */
  void await() {
    waiting = Thread.currentThread();
    long now = clocks.nanos();
    long next = Math.min(jobs.nanosToNext(now), saving.nanosToNext(now));
    next = Math.min(next, news.nanosToNext(now));
    if (chores != null) {
      next = Math.min(next, chores.nanosToNext(now));
    }
    if (saving.saved() != null) {
      next = Math.min(next, nextDeletionNanos - now);
    }
    if (next > 0) {
      LockSupport.parkNanos(this, next);
    }
    waiting = null;
  }

  /** Ends {@link #await}; from any thread, and cheap while nobody waits. */
  private void wakeUp() {
    Thread thread = waiting;
    if (thread != null) {
      waiting = null;
      LockSupport.unpark(thread);
    }
  }

  /** Closes the files; only when the settling thread has ended. */
  void close() throws IOException {
    try (Chores others = chores;
        deadLetters;
        files) {
      news.close();
    }
  }
}
