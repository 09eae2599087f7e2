package dev.outboxrelay.client.lock;

import dev.outboxrelay.client.OutboxUnavailable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.UUID;

/** The kernel has dropped the lock while it was held; nothing is published yet. */
public final class LockLost extends IOException {
  private static final long serialVersionUID = 1L;

  /**
   * @param file that was locked, or shows it
   */
  public LockLost(Path file) {
    super(
        "the lock was lost, which shows at "
            + file
            + ": nothing else in this JVM may open and close the lock file (backups, scanners)");
  }

  /**
   * The lock was found lost when the event was published already: it may be there, and so may
   * another writer's in its place.
   */
  public static OutboxUnavailable behindPublishing(Path file, UUID eventId) {
    return new OutboxUnavailable(
        "the event "
            + eventId
            + " may be appended, but something in this JVM opened and closed "
            + file
            + ", and with that the lock was lost: leave that file alone (backups, scanners); "
            + "retry with the same event id",
        null,
        eventId);
  }
}
