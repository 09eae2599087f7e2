package dev.outboxrelay.client.writing;

import dev.outboxrelay.client.OutboxFull;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.Position;
import dev.outboxrelay.client.files.PositionFile;
import java.io.IOException;
import java.util.UUID;

/** How many undelivered bytes an outbox may hold. */
final class Cap {
  /** After so much the position is read again although what is known of it leaves room. */
  private static final long TRUST_BYTES = 1 << 20;

  private static final int TRUST_PART = 64;

  private final OutboxPaths paths;
  private final UUID outbox;
  private final long maxBytes;
  private Position position; // null without one of this outbox
  private long trustedTo; // appended bytes

  /**
   * Knows a position.
   *
   * @param maxBytes {@code Long.MAX_VALUE} for no cap
   * @param position of whatever outbox, or null
   */
  Cap(OutboxPaths paths, UUID outbox, long maxBytes, Position position) {
    this.paths = paths;
    this.outbox = outbox;
    this.maxBytes = maxBytes;
    this.position = ofThisOutbox(position);
  }

  /** What the relay had settled when that was last looked up; 0 without a position. */
  long settledBytes() {
    return position == null ? 0 : position.settledBytes();
  }

  /**
   * Refuses what does not fit.
   *
   * @param appended bytes over the life of the outbox, with the record in question
   */
  void check(long appended) throws IOException {
    if (maxBytes == Long.MAX_VALUE || (appended <= trustedTo && backlog(appended) <= maxBytes)) {
      return;
    }
    position = ofThisOutbox(PositionFile.find(paths.position()).orElse(null));
    trustedTo = appended + Math.min(TRUST_BYTES, maxBytes / TRUST_PART);
    if (backlog(appended) > maxBytes) {
      throw new OutboxFull(
          paths.root()
              + " would hold "
              + backlog(appended)
              + " undelivered bytes, its cap is "
              + maxBytes
              + " (OUTBOX_MAX_BYTES): let the relay deliver, or raise the cap");
    }
  }

  private long backlog(long appended) {
    return position == null ? appended : appended - position.settledBytes() + position.heldBytes();
  }

  private Position ofThisOutbox(Position found) {
    return found != null && found.outboxId().equals(outbox) ? found : null;
  }
}
