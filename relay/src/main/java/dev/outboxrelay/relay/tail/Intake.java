package dev.outboxrelay.relay.tail;

import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.relay.fact.Fact;
import dev.outboxrelay.relay.fact.FactListener;

/**
 * Makes arrivals of what the tail reads: tells which sequences are missing, and how much of the
 * queue is read. For one thread.
 */
public final class Intake implements Arrivals {
  private final Tail tail;
  private final FactListener listener;
  private final RecentEvents recent = new RecentEvents();

  private long lastSequence;
  private long lastSettledBytes;
  private long cycle = -1;

  /** What to add to an offset of this cycle to get the bytes of records up to there. */
  private long cycleBase;

  public Intake(Tail tail, FactListener listener) {
    this.tail = tail;
    this.listener = listener;
  }

  @Override
  public void rewind(Bookmark to) {
    tail.seek(to.place());
    lastSequence = to.sequence();
    if (recent.withSequence(to.sequence()) == null) {
      recent.remember(to.sequence(), to.eventId());
    }
    lastSettledBytes = to.settledBytes();
    cycle = to.place().cycle();
    cycleBase = to.settledBytes() - to.place().offset();
  }

  @Override
  public Arrival poll() {
    TailedRecord tailed = tail.poll();
    if (tailed == null) {
      return null;
    }
    if (tailed instanceof TailedRecord.OtherFormat other) {
      return new Arrival.OtherFormat(other.cycle(), other.offset(), other.error());
    }
    return tailed instanceof TailedRecord.Intact intact
        ? event(intact)
        : damage((TailedRecord.Damaged) tailed);
  }

  private Arrival.Event event(TailedRecord.Intact intact) {
    OutboxRecord record = intact.record();
    long sequence = record.sequence();
    long missingFrom = sequence;
    if (lastSequence > 0 && sequence <= lastSequence) {
      listener.tell(
          new Fact.OutOfSequence(
              sequence, record.eventId(), lastSequence, recent.withSequence(sequence)));
    } else {
      missingFrom = lastSequence == 0 ? sequence : lastSequence + 1;
      lastSequence = sequence;
      recent.remember(sequence, record.eventId());
    }
    if (record.prologue() != null) {
      cycle = intact.cycle();
      cycleBase = record.prologue().base() - intact.offset();
    }
    return new Arrival.Event(
        record, intact.cycle(), intact.offset(), intact.end(), missingFrom, settledBytes(intact));
  }

  private Arrival.Damage damage(TailedRecord.Damaged damaged) {
    return new Arrival.Damage(
        damaged.cycle(),
        damaged.offset(),
        damaged.end(),
        damaged.reason(),
        lost(damaged.lost()),
        settledBytes(damaged));
  }

  private Arrival.Lost lost(TailedRecord.Lost lost) {
    long last = lost.lastSequence();
    if (last == 0 && lastSequence > 0) {
      // Not above it, as sequences grow by at least one; the next record tells if more are missing.
      last = lastSequence + lost.count();
    }
    long first = last - lost.count() + 1;
    if (lost.count() == 0 || last == 0 || first <= lastSequence) {
      return Arrival.Lost.UNKNOWN;
    }
    long missingFrom = lastSequence == 0 ? first : lastSequence + 1;
    lastSequence = last;
    return new Arrival.Lost(missingFrom, first, last, lost.lastEntry());
  }

  private long settledBytes(TailedRecord record) {
    if (record.cycle() != cycle) {
      // The record that tells what the cycles before it hold is lost.
      cycle = record.cycle();
      cycleBase = lastSettledBytes - record.offset();
    }
    lastSettledBytes = cycleBase + record.end();
    return lastSettledBytes;
  }
}
