package dev.outboxrelay.relay.park;

import dev.outboxrelay.client.OutboxError;
import java.io.Closeable;
import java.io.IOException;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.Set;

/** Topics' outboxes that are to be brought to stable storage. For one thread. */
final class Unsynced implements Closeable {
  private final ParkedDirectory directory;
  private final OpenOutboxes open;
  private final Set<ParkedOutbox> outboxes = new LinkedHashSet<>();

  Unsynced(ParkedDirectory directory, OpenOutboxes open) {
    this.directory = directory;
    this.open = open;
  }

  void add(ParkedOutbox outbox) {
    outboxes.add(outbox);
  }

  boolean contains(ParkedOutbox outbox) {
    return outboxes.contains(outbox);
  }

  boolean isEmpty() {
    return outboxes.isEmpty();
  }

  /**
   * Syncs all; one that fails keeps no other from it.
   *
   * @param failedBefore what else has failed; null if nothing has
   * @throws IOException that, or the first here
   */
  void syncAll(IOException failedBefore) throws IOException {
    IOException failure = failedBefore;
    syncNames();
    for (Iterator<ParkedOutbox> each = outboxes.iterator(); each.hasNext(); ) {
      ParkedOutbox outbox = each.next();
      try {
        syncData(outbox);
        each.remove();
      } catch (IOException | OutboxError e) {
        IOException named = named(outbox, e);
        if (failure == null) {
          failure = named;
        } else {
          failure.addSuppressed(named);
        }
      }
    }
    if (failure != null) {
      throw failure;
    }
  }

  /** One alone, when all names are safe. */
  void sync(ParkedOutbox outbox) throws IOException {
    syncNames();
    try {
      syncData(outbox);
      outboxes.remove(outbox);
    } catch (IOException | OutboxError e) {
      throw named(outbox, e);
    }
  }

  /** One alone to which events were brought. */
  void syncBrought(ParkedOutbox outbox) throws IOException {
    if (!outbox.isNamed()) {
      directory.sync();
    }
    syncData(outbox);
    outboxes.remove(outbox);
  }

  /** Once for all that are new. */
  private void syncNames() throws IOException {
    for (ParkedOutbox outbox : outboxes) {
      if (!outbox.isNamed()) {
        try {
          directory.sync();
          return;
        } catch (IOException e) {
          throw named(outbox, e);
        }
      }
    }
  }

  private void syncData(ParkedOutbox outbox) throws IOException {
    try {
      outbox.sync();
    } finally {
      if (!open.contains(outbox)) {
        outbox.letGo();
      }
    }
  }

  /** A failed cycle here must not be taken for one of the main queue. */
  private static IOException named(ParkedOutbox outbox, Exception e) {
    return new IOException(
        "parked events of topic " + outbox.topic() + " are not safe yet: " + Obstacles.text(e), e);
  }

  @Override
  public void close() throws IOException {
    for (ParkedOutbox each : outboxes) {
      each.letGo();
    }
  }
}
