package dev.outboxrelay.relay.settle;

import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.relay.deliver.InFlight;
import dev.outboxrelay.relay.fact.Fact;
import dev.outboxrelay.relay.fact.Part;
import dev.outboxrelay.relay.fact.Verdict;
import java.io.IOException;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;

/**
 * What is to be made durable before its record counts as settled, one after the other, and apart
 * from that, as delivery does not wait for it, the upkeep; the first one of either that fails is
 * tried again until it succeeds. Asked for on the delivery thread, done on the settling thread.
 */
final class Jobs {
  private static final long RETRY_NANOS = TimeUnit.SECONDS.toNanos(1);

  /** What is staged gets on at least as often, tens of milliseconds of the disk each time. */
  private static final long BRING_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

  /**
   * Done in a turn, some ten milliseconds of it: more may come as fast as they are done, and the
   * position has to be saved meanwhile.
   */
  private static final int MOST_IN_A_TURN = 512;

  private final ParkedStore parked;
  private final DeadLetterStore deadLetters;
  private final SettledFiles files;
  private final FactQueue facts;
  private final Line awaited = new Line();
  private final Line upkeep = new Line();
  private long bringNanos;
  private boolean bringRetries;

  Jobs(ParkedStore parked, DeadLetterStore deadLetters, SettledFiles files, FactQueue facts) {
    this.parked = parked;
    this.deadLetters = deadLetters;
    this.files = files;
    this.facts = facts;
  }

  private sealed interface Job {
    Part part();
  }

  /** Jobs that wait for one another. */
  private final class Line {
    private final Queue<Job> waiting = new ConcurrentLinkedQueue<>();
    private long retryNanos;
    private volatile boolean retrying;

    /** Does what waits, or some of it; returns how much. */
    int work(long now) {
      int done = 0;
      while (done < MOST_IN_A_TURN && nanosToNext(now) <= 0) {
        Job job = waiting.peek();
        try {
          carryOut(job);
          waiting.remove();
          facts.done(job.part());
          retrying = false;
          done++;
        } catch (IOException | OutboxError e) {
          facts.failed(job.part(), e);
          retryNanos = now + RETRY_NANOS;
          retrying = true;
        }
      }
      return done;
    }

    /** How long until there is something to do; not positive if there is now. */
    long nanosToNext(long now) {
      if (waiting.isEmpty()) {
        return Long.MAX_VALUE;
      }
      return retrying ? retryNanos - now : 0;
    }
  }

  private record DeadLetter(InFlight record, Verdict.DeadLetter verdict) implements Job {
    @Override
    public Part part() {
      return Part.DEAD_LETTER;
    }
  }

  private record Parking(InFlight record) implements Job {
    @Override
    public Part part() {
      return Part.PARKING;
    }
  }

  private record Damage(InFlight record, String reason) implements Job {
    @Override
    public Part part() {
      return Part.QUARANTINE;
    }
  }

  private record Seal(long cycle) implements Job {
    @Override
    public Part part() {
      return Part.SEAL;
    }
  }

  private record Cluster(String id) implements Job {
    @Override
    public Part part() {
      return Part.CLUSTER;
    }
  }

  void deadLetter(InFlight record, Verdict.DeadLetter verdict) {
    awaited.waiting.add(new DeadLetter(record, verdict));
  }

  void park(InFlight record) {
    awaited.waiting.add(new Parking(record));
  }

  void quarantine(InFlight damage, String reason) {
    awaited.waiting.add(new Damage(damage, reason));
  }

  void seal(long cycle) {
    upkeep.waiting.add(new Seal(cycle));
  }

  void cluster(String id) {
    upkeep.waiting.add(new Cluster(id));
  }

  /**
   * Takes some of what is staged to its topic's outbox, where delivery waits for nothing, and now
   * and then where it does; returns how much.
   */
  int bring(long now) {
    if (nanosToBring(now) > 0) {
      return 0;
    }
    bringNanos = now + BRING_NANOS;
    try {
      int brought = parked.bring();
      if (!parked.isBringingFailing()) {
        facts.done(Part.STAGING);
      }
      bringRetries = false;
      return brought;
    } catch (IOException | OutboxError e) {
      facts.failed(Part.STAGING, e);
      bringNanos = now + RETRY_NANOS;
      bringRetries = true;
      return 0;
    }
  }

  private long nanosToBring(long now) {
    if (parked == null || !parked.hasStaged()) {
      return Long.MAX_VALUE;
    }
    boolean isIdle = awaited.waiting.isEmpty();
    return isIdle && !bringRetries ? 0 : bringNanos - now;
  }

  /** Whether a stop need not wait for any: upkeep that fails is left to the next start. */
  boolean isEmpty() {
    return awaited.waiting.isEmpty() && (upkeep.waiting.isEmpty() || upkeep.retrying);
  }

  /** Does what delivery waits for; returns how much. */
  int work(long now) {
    return awaited.work(now);
  }

  /** Does the rest; returns how much. */
  int keepUp(long now) {
    return upkeep.work(now);
  }

  /** How long until there is something to do; not positive if there is now. */
  long nanosToNext(long now) {
    long next = Math.min(awaited.nanosToNext(now), upkeep.nanosToNext(now));
    return Math.min(next, nanosToBring(now));
  }

  private void carryOut(Job job) throws IOException {
    if (job instanceof DeadLetter dead) {
      InFlight record = dead.record();
      boolean isNew = deadLetters.add(record, dead.verdict());
      record.done();
      if (isNew) {
        facts.tell(
            new Fact.DeadLettered(record.topic(), dead.verdict().reason(), record.sequence()));
      }
    } else if (job instanceof Parking parking) {
      var unused = parked.add(parking.record());
      parking.record().done();
    } else if (job instanceof Damage damage) {
      InFlight record = damage.record();
      boolean isNew = files.quarantine(record.cycle(), record.offset(), record.next().offset());
      record.done();
      if (isNew) {
        facts.tell(
            new Fact.Quarantined(record.cycle(), record.offset(), record.bytes(), damage.reason()));
      }
    } else if (job instanceof Seal seal) {
      files.seal(seal.cycle());
    } else if (job instanceof Cluster seen) {
      files.saveCluster(seen.id());
    }
  }
}
