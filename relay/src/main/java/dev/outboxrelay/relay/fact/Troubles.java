package dev.outboxrelay.relay.fact;

import java.time.InstantSource;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * All that is wrong with one outbox now: what keeps delivery from going on first, then the parts of
 * the relay's own work that fail. Told on one thread, read from any.
 */
public final class Troubles implements FactListener {
  private final InstantSource clock;
  private final Map<Part, Trouble> failing = new EnumMap<>(Part.class);
  private Trouble delivery;
  private volatile List<Trouble> now = List.of();

  /** Nothing is wrong yet. */
  public Troubles(InstantSource clock) {
    this.clock = clock;
  }

  @Override
  public void tell(Fact fact) {
    if (fact instanceof Fact.StateChanged changed) {
      delivery = changed.trouble();
    } else if (fact instanceof Fact.Failed failed) {
      Cause cause = new Cause.PartFailed(failed.part(), failed.error());
      failing.merge(
          failed.part(),
          new Trouble(cause, clock.millis(), 1),
          (before, first) -> before.again(cause));
    } else if (fact instanceof Fact.Recovered recovered) {
      failing.remove(recovered.part());
    } else {
      return;
    }
    List<Trouble> all = new ArrayList<>(failing.values());
    if (delivery != null) {
      all.add(0, delivery);
    }
    now = List.copyOf(all);
  }

  /** All of them; empty if all is well. */
  public List<Trouble> now() {
    return now;
  }
}
