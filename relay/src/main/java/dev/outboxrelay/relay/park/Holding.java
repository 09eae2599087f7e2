package dev.outboxrelay.relay.park;

import dev.outboxrelay.client.OutboxStatus;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutboxReader;
import dev.outboxrelay.relay.settle.ParkedTopic;
import java.util.UUID;

/** How much a parked topic's outbox holds. Safe for many threads; to ask it never waits. */
final class Holding {
  private static final Seen NOTHING = new Seen(null, new ParkedTopic(0, 0, 0));

  /** What can't be read counts as an event that waits. */
  private static final Seen UNKNOWN = new Seen(null, new ParkedTopic(1, 0, 0));

  private volatile Seen seen = NOTHING;

  /** Of which outbox: the directory may get another one. */
  private record Seen(UUID outbox, ParkedTopic topic) {}

  ParkedTopic topic() {
    return seen.topic();
  }

  synchronized void unknown() {
    seen = UNKNOWN;
  }

  synchronized void appended(UUID outbox, long sequence) {
    ParkedTopic before = before(outbox);
    seen =
        new Seen(
            outbox,
            new ParkedTopic(
                Math.max(before.appendedSequence(), sequence),
                before.settledSequence(),
                before.heldBytes()));
  }

  /** A record with this sequence was found, of which the state may not know. */
  synchronized void found(long sequence) {
    ParkedTopic before = seen.topic();
    long appended = Math.max(before.appendedSequence(), sequence);
    seen =
        new Seen(
            seen.outbox(), new ParkedTopic(appended, before.settledSequence(), before.heldBytes()));
  }

  /**
   * Looks at the files.
   *
   * @throws dev.outboxrelay.client.OutboxError if they do not tell
   */
  void look(OutboxPaths paths) {
    OutboxStatus status = new OutboxReader(paths).status();
    merge(status);
  }

  /** Somebody may have looked, or appended, since that was read. */
  private synchronized void merge(OutboxStatus status) {
    ParkedTopic before = before(status.outbox());
    seen =
        new Seen(
            status.outbox(),
            new ParkedTopic(
                Math.max(before.appendedSequence(), status.nextSequence() - 1),
                Math.max(before.settledSequence(), status.settledSequence()),
                status.lagBytes()));
  }

  private ParkedTopic before(UUID outbox) {
    return outbox.equals(seen.outbox()) ? seen.topic() : NOTHING.topic();
  }
}
