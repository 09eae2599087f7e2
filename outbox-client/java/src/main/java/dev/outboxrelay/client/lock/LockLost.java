package dev.outboxrelay.client.lock;

import java.io.IOException;
import java.nio.file.Path;

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
}
