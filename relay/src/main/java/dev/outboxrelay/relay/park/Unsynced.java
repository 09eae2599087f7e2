package dev.outboxrelay.relay.park;

import dev.outboxrelay.client.OutboxError;
import java.io.Closeable;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** Topics' outboxes that are to be brought to stable storage. For one thread. */
final class Unsynced implements Closeable {
  private final ParkedDirectory directory;
  private final OpenOutboxes open;
  private final Set<ParkedOutbox> outboxes = new LinkedHashSet<>();

  /** Those of them that could not be synced when all were to be. */
  private final Set<ParkedOutbox> failed = new HashSet<>();

  /**
   * One that could not be synced.
   *
   * @param again whether positions have waited for one that failed the time before
   */
  record Failure(ParkedOutbox outbox, IOException why, boolean again) {}

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

  /** Nothing of it is to be synced any more. */
  void remove(ParkedOutbox outbox) {
    outboxes.remove(outbox);
    failed.remove(outbox);
  }

  /** Syncs all; one that fails keeps no other from it. Returns those. */
  List<Failure> syncAll() {
    List<Failure> failures = new ArrayList<>();
    boolean again = !failed.isEmpty();
    IOException nameless = null;
    try {
      syncNames();
    } catch (IOException e) {
      nameless = e;
    }
    for (Iterator<ParkedOutbox> each = outboxes.iterator(); each.hasNext(); ) {
      ParkedOutbox outbox = each.next();
      try {
        if (nameless != null && !outbox.isNamed()) {
          throw nameless;
        }
        syncData(outbox);
        each.remove();
        failed.remove(outbox);
      } catch (IOException | OutboxError e) {
        failures.add(new Failure(outbox, named(outbox, e), again));
        failed.add(outbox);
      }
    }
    return failures;
  }

  /** One alone, when all names are safe. */
  void sync(ParkedOutbox outbox) throws IOException {
    try {
      syncNames();
      syncData(outbox);
      remove(outbox);
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
    remove(outbox);
  }

  /** Once for all that are new. */
  private void syncNames() throws IOException {
    for (ParkedOutbox outbox : outboxes) {
      if (!outbox.isNamed()) {
        directory.sync();
        return;
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
