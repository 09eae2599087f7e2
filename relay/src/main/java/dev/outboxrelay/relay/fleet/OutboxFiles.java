package dev.outboxrelay.relay.fleet;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** What the disk says of outboxes. Reads only. */
interface OutboxFiles {
  /** Looks for outboxes. */
  Found search();

  /** Whether nothing waits in it, and nothing is doubtful; see {@code OutboxAtRest}. */
  boolean isSettled(Path outbox) throws IOException;

  /** Whether it has cycles that may have to be deleted. */
  boolean hasOldCycles(Path outbox) throws IOException;

  /**
   * What a search found.
   *
   * @param outboxes each with an identity that changes when the directory is replaced
   * @param unreadable directories in which there may be more
   */
  record Found(Map<Path, Object> outboxes, List<Path> unreadable) {
    /** Whether an outbox that was there before is gone for sure. */
    boolean isGone(Path outbox, Object identity) {
      Object now = outboxes.get(outbox);
      return now == null
          ? unreadable.stream().noneMatch(outbox::startsWith)
          : !now.equals(identity);
    }
  }
}
