package dev.outboxrelay.relay.deliver;

import dev.outboxrelay.relay.fact.DeadLetterReason;
import dev.outboxrelay.relay.fact.Verdict;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Queue;
import java.util.Set;

/** Stable storage in memory: what survives a crash of the relay. */
final class FakeDisk implements Settlement {
  Settled saved;
  final Map<Long, Integer> deadLetters = new HashMap<>();
  final Set<Long> quarantined = new HashSet<>();
  final Set<Long> undelivered = new HashSet<>();

  private final Queue<InFlight> jobs = new ArrayDeque<>();
  private Settled latest;
  String cluster;

  /** What is parked goes there. */
  FakeLanes lanes;

  /** Sequences of dead letters that an earlier run has left. */
  final Set<Long> diedBefore = new HashSet<>();

  @Override
  public DeadLetterReason diedBefore(InFlight record) {
    return diedBefore.contains(record.sequence()) ? DeadLetterReason.TOO_LARGE : null;
  }

  @Override
  public void deadLetter(InFlight record, Verdict.DeadLetter verdict) {
    jobs.add(record);
  }

  @Override
  public void park(InFlight record) {
    jobs.add(record);
  }

  @Override
  public void quarantine(InFlight damage, String reason) {
    jobs.add(damage);
  }

  @Override
  public void undelivered(long firstSequence, long lastSequence, InFlight.Outcome outcome) {
    for (long sequence = firstSequence; sequence <= lastSequence; sequence++) {
      undelivered.add(sequence);
    }
  }

  @Override
  public void ofSource(long sequence, InFlight.Outcome outcome) {}

  @Override
  public void cluster(String id) {
    cluster = id;
  }

  @Override
  public void settled(Settled upTo) {
    latest = upTo;
  }

  /** Does one thing that is to be kept. */
  void work() {
    InFlight job = jobs.poll();
    if (job != null) {
      if (job.outcome() == InFlight.Outcome.PARKED) {
        lanes.park(job);
        return;
      }
      if (job.outcome() == InFlight.Outcome.DEAD) {
        deadLetters.putIfAbsent(job.sequence(), 1);
      } else {
        quarantined.add(job.sequence());
      }
      job.done();
    }
  }

  void save() {
    if (latest != null) {
      if (lanes != null) {
        lanes.sync();
      }
      saved = latest;
    }
  }

  /** What was not saved is gone. */
  void crash() {
    jobs.clear();
    latest = saved;
    undelivered.removeIf(sequence -> saved == null || sequence > saved.sequence());
  }
}
