package dev.outboxrelay.relay.settle;

import dev.outboxrelay.client.disk.Folder;
import dev.outboxrelay.relay.fact.Fact;
import dev.outboxrelay.relay.fact.Part;
import java.io.IOException;
import java.util.EnumSet;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * What the settling thread has to tell, until the delivery thread fetches it. Everything but {@link
 * #poll} is for the settling thread.
 */
final class FactQueue {
  private final Queue<Fact> waiting = new ConcurrentLinkedQueue<>();
  private final Set<Part> failing = EnumSet.noneOf(Part.class);

  void tell(Fact fact) {
    waiting.add(fact);
  }

  void failed(Part part, Exception error) {
    failing.add(part);
    Exception named = error instanceof IOException failed ? Folder.named(failed) : error;
    tell(new Fact.Failed(part, named));
  }

  /** It was done, which is news if it had failed before. */
  void done(Part part) {
    if (!failing.isEmpty() && failing.remove(part)) {
      tell(new Fact.Recovered(part));
    }
  }

  /** The next fact, or null. For the delivery thread. */
  Fact poll() {
    return waiting.poll();
  }
}
