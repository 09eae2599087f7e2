package dev.outboxrelay.relay.fact;

import java.time.InstantSource;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * All that is wrong with one outbox now: what keeps delivery from going on first, then the topics
 * that can't be written, then the parts of the relay's own work that fail. Told on one thread, read
 * from any.
 */
public final class Troubles implements FactListener {
  private final InstantSource clock;
  private final Map<Part, Trouble> failing = new EnumMap<>(Part.class);
  private Trouble delivery;
  private final BarredTopics topics = new BarredTopics();
  private volatile List<Trouble> now = List.of();

  /** Nothing is wrong yet. */
  public Troubles(InstantSource clock) {
    this.clock = clock;
  }

  @Override
  public void tell(Fact fact) {
    if (fact instanceof Fact.StateChanged changed) {
      delivery = changed.trouble();
      if (changed.isEnd()) {
        topics.clear();
      }
    } else if (fact instanceof Fact.Failed failed) {
      Cause cause = new Cause.PartFailed(failed.part(), failed.error(), failed.wayOut());
      failing.merge(
          failed.part(),
          new Trouble(cause, clock.millis(), 1),
          (before, first) -> before.again(cause));
    } else if (fact instanceof Fact.Recovered recovered) {
      failing.remove(recovered.part());
    } else if (fact instanceof Fact.TopicBarred barred) {
      topics.barred(barred.topic(), barred.trouble());
    } else if (fact instanceof Fact.TopicOpened opened) {
      topics.opened(opened.topic());
    } else if (fact instanceof Fact.TopicForgotten forgotten) {
      topics.opened(forgotten.topic());
    } else {
      return;
    }
    List<Trouble> all = new ArrayList<>();
    if (delivery != null) {
      all.add(delivery);
    }
    // The one that is barred for longest is often what delivery tells, too.
    topics.now().oldest().stream()
        .filter(bar -> delivery == null || !bar.cause().equals(delivery.cause()))
        .forEach(all::add);
    all.addAll(failing.values());
    now = List.copyOf(all);
  }

  /** The topics that can't be written, of which {@link #now} has the oldest. */
  public Bars bars() {
    return topics.now();
  }

  /** All of them; empty if all is well. */
  public List<Trouble> now() {
    return now;
  }
}
