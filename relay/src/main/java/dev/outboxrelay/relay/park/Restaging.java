package dev.outboxrelay.relay.park;

import dev.outboxrelay.relay.tail.RecordWalk;
import dev.outboxrelay.relay.tail.Source;
import java.io.IOException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Appends what could not be brought once more, behind all that is staged, so that the position can
 * pass what stands between: else {@code staged/} would grow as long as one topic can't be written.
 * For one thread.
 */
final class Restaging {
  private static final Logger LOG = LoggerFactory.getLogger(Restaging.class);
  private static final int AT_ONCE = 2048;
  private static final long BYTES_AT_ONCE = 1 << 20;

  /** Of so many it is known whether they come twice: who was killed on the way has left two. */
  private static final int MOST_KNOWN = 20_000;

  private final Staging staging;
  private long bytesWhenFailed; // of all that was staged then; 0 if it did not fail

  /** After a power cut another event may have the same source. */
  private record Event(Source source, UUID eventId) {}

  Restaging(Staging staging) {
    this.staging = staging;
  }

  /**
   * Whether a file gets free by it, and more than is written. Behind a failure there has to be as
   * much again: what was appended by then stays.
   *
   * @param first of those behind the position
   * @param last of them
   * @param bytes all of them
   * @param left those that could not be brought
   */
  boolean isWorthIt(RecordWalk.Found first, RecordWalk.Found last, long bytes, long left) {
    return first.cycle() < last.cycle() && bytes >= 2 * left && bytes >= 2 * bytesWhenFailed;
  }

  /**
   * The position passes all up to the last one.
   *
   * @param isLeft tells those that could not be brought; all others are in their topics' outboxes,
   *     on stable storage
   * @param bytes of all
   */
  void run(Predicate<RecordWalk.Found> isLeft, RecordWalk.Found last, long bytes)
      throws IOException {
    bytesWhenFailed = bytes;
    UUID outbox = staging.outbox();
    Map<String, Long> covered = new HashMap<>();
    Map<String, Long> again = new HashMap<>();
    Set<Event> known = new HashSet<>();
    RecordWalk walk = staging.walk();
    for (long read = 0; read < last.record().sequence(); ) {
      List<RecordWalk.Found> found = walk.next(AT_ONCE, BYTES_AT_ONCE);
      if (found.isEmpty() || !walk.isAllRead()) {
        throw new IOException("the disk does not give all of staged/: verify tells more");
      }
      for (RecordWalk.Found each : found) {
        read = each.record().sequence();
        Source source = Source.of(each.record());
        if (source != null && read <= last.record().sequence() && isLeft.test(each)) {
          covered.merge(each.record().topic(), 1L, Long::sum);
          // Behind all others nothing else tells that its queue has lost it.
          Source asKept = staging.isLost(each.record(), source) ? source.ofNobody() : source;
          Event event = new Event(asKept, each.record().eventId());
          if (known.size() >= MOST_KNOWN || known.add(event)) {
            staging.addAgain(each.record(), asKept);
            again.merge(each.record().topic(), 1L, Long::sum);
          }
        }
      }
      staging.sync(); // no more is kept in mind
    }
    if (outbox == null || !outbox.equals(staging.outbox())) {
      throw new IOException("staged/ was removed meanwhile");
    }
    try {
      staging.settle(last);
    } finally {
      if (staging.isSettled(last)) { // some files could not be deleted
        staging.passed(covered, again);
      }
    }
    bytesWhenFailed = 0;
    LOG.atDebug()
        .addKeyValue("topics", again.size())
        .addKeyValue("bytes", bytes)
        .log("staged events that can't be brought stand behind all others now");
  }
}
