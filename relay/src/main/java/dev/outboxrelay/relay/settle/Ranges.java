package dev.outboxrelay.relay.settle;

import dev.outboxrelay.client.DeliveryOutcome;
import dev.outboxrelay.client.files.OutcomesFile.Range;
import dev.outboxrelay.relay.deliver.InFlight;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/** Outcomes that are told on the delivery thread, until the settling thread has written them. */
final class Ranges {
  private final Queue<Range> told = new ConcurrentLinkedQueue<>();

  /** Taken from the queue, and not yet on disk. */
  private final List<Range> unsaved = new ArrayList<>();

  void tell(long first, long last, InFlight.Outcome outcome) {
    told.add(new Range(first, last, code(outcome)));
  }

  private static DeliveryOutcome code(InFlight.Outcome outcome) {
    return switch (outcome) {
      case DELIVERED -> DeliveryOutcome.DELIVERED;
      case PARKED -> DeliveryOutcome.PARKED;
      case DEAD -> DeliveryOutcome.DEAD;
      case QUARANTINED -> DeliveryOutcome.QUARANTINED;
    };
  }

  /** Everything that is to be written. For the settling thread. */
  List<Range> unsaved() {
    for (Range range = told.poll(); range != null; range = told.poll()) {
      Range last = unsaved.isEmpty() ? null : unsaved.get(unsaved.size() - 1);
      if (last != null && last.outcome() == range.outcome() && last.last() + 1 == range.first()) {
        unsaved.set(unsaved.size() - 1, new Range(last.first(), range.last(), range.outcome()));
      } else {
        unsaved.add(range);
      }
    }
    return unsaved;
  }

  /** All that was told of is written. */
  void saved() {
    unsaved.clear();
  }
}
