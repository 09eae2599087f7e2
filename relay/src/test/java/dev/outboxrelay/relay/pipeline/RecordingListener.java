package dev.outboxrelay.relay.pipeline;

import dev.outboxrelay.relay.fact.Fact;
import dev.outboxrelay.relay.fact.FactListener;
import dev.outboxrelay.relay.fact.Part;
import dev.outboxrelay.relay.fact.Verdict;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Function;

/** Keeps all that it is told, in order, for tests of whatever tells a listener. Thread-safe. */
public final class RecordingListener implements FactListener {
  private final Queue<Fact> facts = new ConcurrentLinkedQueue<>();

  @Override
  public void tell(Fact fact) {
    if (!(fact instanceof Fact.Delivered)) {
      facts.add(fact);
    }
  }

  private <F extends Fact, T> List<T> all(Class<F> type, Function<F, T> form) {
    return facts.stream().filter(type::isInstance).map(type::cast).map(form).toList();
  }

  /** Labels of the states that delivery came into. */
  public List<String> states() {
    return all(Fact.StateChanged.class, Fact.StateChanged::to);
  }

  public List<Verdict> verdicts() {
    return all(Fact.SendFailed.class, Fact.SendFailed::verdict);
  }

  /** Topic, reason and sequence of each. */
  public List<String> deadLetters() {
    return all(
        Fact.DeadLettered.class,
        dead -> dead.topic() + " " + dead.reason().label() + " " + dead.sequence());
  }

  /** Why, for each. */
  public List<String> quarantined() {
    return all(Fact.Quarantined.class, Fact.Quarantined::reason);
  }

  /** First and last of each gap. */
  public List<String> missing() {
    return all(Fact.Missing.class, gap -> gap.first() + "-" + gap.last());
  }

  /** Why, for each. */
  public List<String> standstills() {
    return all(Fact.StandingStill.class, Fact.StandingStill::reason);
  }

  public List<Long> deletedCycles() {
    return all(Fact.CyclesDeleted.class, Fact.CyclesDeleted::cycle);
  }

  public List<Long> missingEnds() {
    return all(Fact.EndMissing.class, Fact.EndMissing::cycle);
  }

  /** Errors of what failed. */
  public List<String> failed(Part part) {
    return facts.stream()
        .filter(fact -> fact instanceof Fact.Failed failed && failed.part() == part)
        .map(fact -> ((Fact.Failed) fact).error())
        .toList();
  }

  public boolean recovered(Part part) {
    return facts.contains(new Fact.Recovered(part));
  }
}
