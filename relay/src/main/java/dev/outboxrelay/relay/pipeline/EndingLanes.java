package dev.outboxrelay.relay.pipeline;

import dev.outboxrelay.relay.pipeline.Service.Stage;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;

/** Lanes of an outbox that were asked to end and have not yet. For the delivery thread. */
final class EndingLanes {
  private final LaneSlots.Share slots;
  private final Map<String, Ending> all = new HashMap<>();

  private static final class Ending {
    private final Service service;
    private final long sinceNanos;
    private boolean hasSlot;

    private Ending(Service service, boolean hasSlot, long sinceNanos) {
      this.service = service;
      this.hasSlot = hasSlot;
      this.sinceNanos = sinceNanos;
    }
  }

  EndingLanes(LaneSlots.Share slots) {
    this.slots = slots;
  }

  /** One was asked to end. */
  void add(String topic, Service service, boolean hasSlot, long now) {
    all.put(topic, new Ending(service, hasSlot, now));
  }

  boolean contains(String topic) {
    return all.containsKey(topic);
  }

  int size() {
    return all.size();
  }

  /** Those that have ended leave their slots, and so do those that hang. */
  void look(long now) {
    for (Iterator<Ending> each = all.values().iterator(); each.hasNext(); ) {
      Ending next = each.next();
      Stage stage = next.service.stage();
      boolean hasEnded = stage instanceof Stage.Ended || stage instanceof Stage.Refused;
      if (next.hasSlot && (hasEnded || now - next.sinceNanos >= ParkedLanes.PATIENCE_NANOS)) {
        next.hasSlot = false;
        slots.give();
      }
      if (hasEnded) {
        each.remove();
      }
    }
  }
}
