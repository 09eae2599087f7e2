package dev.outboxrelay.relay.park;

import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.relay.deliver.InFlight;
import java.io.IOException;

/**
 * Brings to stable storage what positions wait for. What a topic's own outbox does not take for
 * good is staged, so that no position waits for its directory. For one thread.
 */
final class Rescue {
  private final Unsynced unsynced;
  private final Staging staging;
  private final Obstacles obstacles;

  Rescue(Unsynced unsynced, Staging staging, Obstacles obstacles) {
    this.unsynced = unsynced;
    this.staging = staging;
    this.obstacles = obstacles;
  }

  /**
   * Syncs all.
   *
   * @throws IOException of the first that is safe nowhere yet
   */
  void syncAll() throws IOException {
    IOException failure = syncStaged();
    for (Unsynced.Failure each : unsynced.syncAll()) {
      failure = both(failure, unsafe(each));
    }
    failure = failure == null ? syncStaged() : failure; // what was staged just now
    if (failure != null) {
      throw failure;
    }
  }

  private IOException syncStaged() {
    try {
      staging.sync();
      return null;
    } catch (IOException | OutboxError e) {
      return new IOException("parked events in staged/ are not safe yet: " + Obstacles.text(e), e);
    }
  }

  private static IOException both(IOException first, IOException next) {
    if (first != null && next != null) {
      first.addSuppressed(next);
    }
    return first == null ? next : first;
  }

  /**
   * What positions wait for because of a failure; null if for nothing. What fails once need not
   * fail again; but they wait for no second one behind the first.
   */
  private IOException unsafe(Unsynced.Failure failed) {
    ParkedOutbox outbox = failed.outbox();
    if (outbox.holdsPositions() && !failed.again()) {
      return failed.why();
    }
    try {
      if (outbox.holdsPositions()) {
        stage(outbox);
        obstacles.found(outbox.topic(), failed.why());
      }
      unsynced.remove(outbox); // whoever has replayed something there syncs it, and is told
      return null;
    } catch (IOException | OutboxError e) {
      failed.why().addSuppressed(e);
      return failed.why();
    }
  }

  /** Stages what a topic's own outbox has not brought to stable storage, but for replays. */
  void stage(ParkedOutbox outbox) throws IOException {
    if (outbox.isSynced()) {
      return; // as for nearly every event that is staged
    }
    outbox.leaveTo(
        record -> {
          if (!staging.has(record)) {
            stage(record);
          }
        });
  }

  /** Stages one event, behind those of its topic. */
  void stage(InFlight record) throws IOException {
    if (staging.hadLater(record)) {
      staging.askAnew(record.topic());
    }
    staging.add(record);
  }
}
