package dev.outboxrelay.relay.copy;

import dev.outboxrelay.client.disk.Folder;
import dev.outboxrelay.relay.fact.Fact;
import dev.outboxrelay.relay.fact.Part;
import dev.outboxrelay.relay.fact.Trouble;
import java.io.IOException;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * What there is to tell of copies, until the outbox's delivery thread fetches it. Everything but
 * {@link #poll} is for the copying thread.
 */
final class CopyNews {
  private static final String WAY_OUT =
      "mend what the error names in dead-letters/, or make room there: until then its letters are"
          + " not copied, and wait";

  private final Queue<Fact> waiting = new ConcurrentLinkedQueue<>();
  private Trouble told; // by delivery to the topic
  private boolean failing;

  void tell(Fact fact) {
    waiting.add(fact);
  }

  /** Something of ours fails. */
  void failed(Throwable error) {
    Throwable named = error instanceof IOException failed ? Folder.named(failed) : error;
    Fact.Failed failed = new Fact.Failed(Part.COPY, named);
    boolean isOfTopic = failed.wayOut().equals(Part.COPY.wayOut());
    fail(isOfTopic ? new Fact.Failed(Part.COPY, failed.error(), WAY_OUT) : failed);
  }

  /** How delivery to the topic stands, while nothing of ours fails; null if all is well. */
  void stands(Trouble trouble) {
    if (trouble == null) {
      told = null;
      if (failing) {
        failing = false;
        tell(new Fact.Recovered(Part.COPY));
      }
    } else if (!trouble.equals(told)) {
      told = trouble;
      String wayOut = trouble.cause().wayOut();
      fail(
          wayOut == null
              ? new Fact.Failed(Part.COPY, trouble.cause().error())
              : new Fact.Failed(Part.COPY, trouble.cause().error(), wayOut));
    }
  }

  private void fail(Fact.Failed failed) {
    failing = true;
    tell(failed);
  }

  /** The next fact, or null. For the delivery thread. */
  Fact poll() {
    return waiting.poll();
  }
}
