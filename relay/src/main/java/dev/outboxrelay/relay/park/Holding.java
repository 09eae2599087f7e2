package dev.outboxrelay.relay.park;

import dev.outboxrelay.client.OutboxStatus;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutboxReader;
import dev.outboxrelay.relay.settle.ParkedTopic;
import java.util.OptionalLong;
import java.util.UUID;

/** How much a parked topic's outbox holds. Safe for many threads; to ask it never waits. */
final class Holding {
  private static final Seen NOTHING = new Seen(null, new ParkedTopic(0, 0, 0), Head.UNKNOWN);

  /** What can't be read counts as an event that waits. */
  private static final Seen UNKNOWN = new Seen(null, new ParkedTopic(1, 0, 0), Head.UNKNOWN);

  private volatile Seen seen = NOTHING;

  /** Whether it is not known which of its records is the last that stands in order. */
  private boolean unsure;

  /** Of which outbox: the directory may get another one. */
  private record Seen(UUID outbox, ParkedTopic topic, Head head) {
    Seen with(ParkedTopic latest) {
      return new Seen(outbox, latest, head);
    }
  }

  /**
   * The first event that waits.
   *
   * @param behind the sequence that was settled when it was the first
   * @param appendMillis of the original, milliseconds since the epoch
   */
  private record Head(long behind, OptionalLong appendMillis) {
    private static final Head UNKNOWN = new Head(-1, OptionalLong.empty());
  }

  ParkedTopic topic() {
    return seen.topic();
  }

  /** Append time of the oldest event that waits; empty if none does or it can't be read. */
  OptionalLong oldestMillis() {
    Seen now = seen;
    return now.topic().isEmpty() ? OptionalLong.empty() : now.head().appendMillis();
  }

  synchronized void unknown() {
    seen = UNKNOWN;
    unsure = true;
  }

  /** One that stands in order may have been added: from now on all count as such. */
  synchronized void unsure() {
    unsure = true;
  }

  /**
   * A record was added.
   *
   * @param ordered whether it stands in its topic's order
   * @param millis append time of the original
   */
  synchronized void appended(UUID outbox, long sequence, boolean ordered, long millis) {
    Seen before = before(outbox);
    ParkedTopic topic = before.topic();
    Head head =
        topic.isEmpty()
            ? new Head(topic.settledSequence(), OptionalLong.of(millis))
            : before.head();
    seen =
        new Seen(
            outbox,
            new ParkedTopic(
                Math.max(topic.appendedSequence(), sequence),
                ordered || unsure
                    ? Math.max(topic.orderedSequence(), sequence)
                    : topic.orderedSequence(),
                topic.settledSequence(),
                topic.heldBytes()),
            head);
  }

  /** A record with this sequence was found, of which the state may not know. */
  synchronized void found(long sequence) {
    ParkedTopic before = seen.topic();
    long appended = Math.max(before.appendedSequence(), sequence);
    long ordered = unsure ? appended : before.orderedSequence();
    seen =
        seen.with(new ParkedTopic(appended, ordered, before.settledSequence(), before.heldBytes()));
  }

  /** It is the last that stands in its topic's order; the state may not know of it, either. */
  synchronized void ordered(long sequence) {
    unsure = false;
    ParkedTopic before = seen.topic();
    long appended = Math.max(before.appendedSequence(), sequence);
    seen =
        seen.with(
            new ParkedTopic(appended, sequence, before.settledSequence(), before.heldBytes()));
  }

  /**
   * Looks at the files; at an event only where another one is the first than before.
   *
   * @throws dev.outboxrelay.client.OutboxError if they do not tell
   */
  void look(OutboxPaths paths) {
    OutboxStatus status = new OutboxReader(paths).status();
    Seen now = merge(status);
    long settled = now.topic().settledSequence();
    if (!now.topic().isEmpty() && now.head().behind() != settled) {
      head(now.outbox(), new Head(settled, ParkedHead.appendMillis(paths)));
    }
  }

  /** Somebody may have looked, or appended, since that was read. */
  private synchronized Seen merge(OutboxStatus status) {
    Seen before = before(status.outbox());
    ParkedTopic topic = before.topic();
    long appended = Math.max(topic.appendedSequence(), status.nextSequence() - 1);
    boolean known = before.outbox() != null && !unsure;
    seen =
        new Seen(
            status.outbox(),
            new ParkedTopic(
                appended,
                known ? topic.orderedSequence() : appended,
                Math.max(topic.settledSequence(), status.settledSequence()),
                status.lagBytes()),
            before.head());
    return seen;
  }

  private synchronized void head(UUID outbox, Head found) {
    if (outbox.equals(seen.outbox()) && found.behind() >= seen.head().behind()) {
      seen = new Seen(outbox, seen.topic(), found);
    }
  }

  private Seen before(UUID outbox) {
    return outbox.equals(seen.outbox()) ? seen : NOTHING;
  }
}
