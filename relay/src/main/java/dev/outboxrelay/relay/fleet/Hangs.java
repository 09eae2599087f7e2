package dev.outboxrelay.relay.fleet;

import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * Tells, and shows, that an outbox can't be served as its disk does not answer. Told by one thread,
 * read from any.
 */
final class Hangs {
  /** Opening an outbox waits for its writers' lock and for its disk, for a second or so. */
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(15);

  private static final String ERROR =
      "its disk does not answer: a look at its files, or opening them, has not come to an end; mend"
          + " the disk, or take it out of OUTBOX_DIRS";

  private final Path outbox;
  private final WatchContext context;
  private final WatchLog log;
  private long answeredNanos;
  private volatile OutboxOnHold hold;

  Hangs(Path outbox, WatchContext context, WatchLog log, long now) {
    this.outbox = outbox;
    this.context = context;
    this.log = log;
    this.answeredNanos = now;
  }

  /**
   * It does.
   *
   * @param other why it can't be served apart from that
   */
  void answered(Optional<OutboxOnHold> other, long now) {
    answeredNanos = now;
    if (hold != null) {
      hold = null;
      context.listener().onHold(outbox, other.map(OutboxOnHold::reason));
    }
  }

  /** It has not answered yet. */
  void waited(long now) {
    if (hold == null && now - answeredNanos >= PATIENCE_NANOS) {
      long millis = context.clocks().millis();
      hold = new OutboxOnHold(outbox, OutboxOnHold.UNUSABLE, ERROR, millis, 1);
      context.listener().onHold(outbox, Optional.of(hold.reason()));
      log.onHold(hold);
    }
  }

  /** Empty if it answers, as far as is known. */
  Optional<OutboxOnHold> now() {
    return Optional.ofNullable(hold);
  }
}
