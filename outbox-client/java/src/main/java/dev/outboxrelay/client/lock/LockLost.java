package dev.outboxrelay.client.lock;

import dev.outboxrelay.client.OutboxUnavailable;
import dev.outboxrelay.client.disk.DiskErrors;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
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
   * The lock was found lost when the events were published already: they may be there, and so may
   * another writer's in their place.
   */
  public static OutboxUnavailable behindPublishing(Path file, List<UUID> ids) {
    String why =
        "something in this JVM opened and closed "
            + file
            + ", and with that the lock was lost: leave that file alone (backups, scanners)";
    return new OutboxUnavailable(DiskErrors.maybeAppended(ids, why), null, ids);
  }
}
