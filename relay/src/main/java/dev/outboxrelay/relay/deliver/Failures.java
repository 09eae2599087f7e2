package dev.outboxrelay.relay.deliver;

import dev.outboxrelay.relay.fact.Fact;
import dev.outboxrelay.relay.fact.FactListener;
import dev.outboxrelay.relay.fact.PauseReason;
import dev.outboxrelay.relay.fact.Verdict;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;

/** What follows from records that were sent and are not acked but failed. For one thread. */
final class Failures {
  private final Queue<InFlight> failed;
  private final Transport transport;
  private final Refusals refusals;
  private final Feeder feeder;
  private final Ledger ledger;
  private final FactListener listener;
  private final Senders senders;

  /**
   * Takes them from there.
   *
   * @param failed to which any thread adds
   */
  Failures(
      Queue<InFlight> failed,
      Transport transport,
      Refusals refusals,
      Feeder feeder,
      Ledger ledger,
      FactListener listener,
      Senders senders) {
    this.failed = failed;
    this.transport = transport;
    this.refusals = refusals;
    this.feeder = feeder;
    this.ledger = ledger;
    this.listener = listener;
    this.senders = senders;
  }

  /** Takes all that it can; returns how many. */
  int take(long now) {
    int taken = 0;
    List<InFlight> postponed = new ArrayList<>();
    for (InFlight each = failed.poll(); each != null; each = failed.poll()) {
      if (take(each, now)) {
        taken++;
      } else {
        postponed.add(each);
      }
    }
    failed.addAll(postponed);
    return taken;
  }

  private boolean take(InFlight record, long now) {
    Verdict verdict = transport.judge(record.topic(), record.error());
    if (verdict instanceof Verdict.DeadLetter dead) {
      if (!record.isDiscarded() && (dead.certain() || record.isAlone())) {
        verdict = refusals.judge(record, dead);
        if (verdict == dead) {
          listener.tell(new Fact.SendFailed(verdict, record.topic()));
          feeder.giveUp(record.sequence(), dead);
          ledger.die(record, dead);
          return true;
        } else if (ledger.oldestIsDead()) {
          return false; // a rewind would send again what is about to be settled as dead
        }
      } else {
        feeder.suspect(record.sequence());
      }
    }
    if (record.isDiscarded() || !senders.areConnected()) {
      return true;
    }
    if (record.isReplay()
        && verdict instanceof Verdict.PauseTopic pause
        && pause.reason() == PauseReason.POLICY) {
      senders.giveUp(record, pause.error(), now);
    } else {
      senders.interrupted(record.topic(), verdict, now);
    }
    return true;
  }
}
