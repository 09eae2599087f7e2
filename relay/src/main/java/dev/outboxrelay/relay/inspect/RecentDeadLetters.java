package dev.outboxrelay.relay.inspect;

import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.relay.deadletter.Fates;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.LongSupplier;

/**
 * The latest dead letters of one outbox of which nothing was done yet, and how many there are of
 * each reason. It goes on reading where it ended, a little at a time, so that any number of them
 * costs a reader little; it begins anew once something was done of some. Holds no values.
 * Thread-safe.
 */
public final class RecentDeadLetters {
  private static final int KEPT = 50;
  private static final int LONGEST_ERROR = 1000;

  /** The relay knows three; others can only come from a file that somebody else wrote. */
  private static final int MOST_REASONS = 20;

  private static final String OTHER_REASON = "other";

  private final OutboxPaths letters;
  private final LongSupplier nanoClock;
  private final Deque<Entry> latest = new ArrayDeque<>();
  private final Map<String, Long> reasons = new TreeMap<>();
  private long cycle = Long.MIN_VALUE;
  private long offset;
  private long lastNumber;
  private Fates fates; // null until it is needed
  private long done; // of how many something was done when it was begun

  /** Whether all was read once since: where something is done all the time, there is an end too. */
  private boolean whole = true;

  /**
   * Reads nothing yet.
   *
   * @param nanoClock nanoseconds that only grow
   */
  public RecentDeadLetters(OutboxPaths outbox, LongSupplier nanoClock) {
    this.letters = outbox.deadLetters();
    this.nanoClock = nanoClock;
  }

  /**
   * A dead letter, without key, headers and value.
   *
   * @param number of the dead letter, from 1
   * @param atMillis when it was given up, milliseconds since the epoch; null if that is unreadable
   * @param reason a stable name
   * @param error what Kafka said
   * @param topic of the event; null, like all below, if its bytes are damaged
   * @param eventId its id
   * @param sequence its sequence in the outbox
   * @param appendMillis when it was appended, milliseconds since the epoch
   */
  public record Entry(
      long number,
      Long atMillis,
      String reason,
      String error,
      String topic,
      String eventId,
      Long sequence,
      Long appendMillis) {
    private static Entry of(DeadLetter letter) {
      return new Entry(
          letter.number(),
          letter.at().map(at -> at.toEpochMilli()).orElse(null),
          letter.reason(),
          shortened(letter.error()),
          letter.event().map(event -> event.topic()).orElse(null),
          letter.event().map(event -> event.eventId().toString()).orElse(null),
          letter.event().map(event -> event.sequence()).orElse(null),
          letter.event().map(event -> event.appendTime()).orElse(null));
    }

    private static String shortened(String error) {
      return error.length() <= LONGEST_ERROR ? error : error.substring(0, LONGEST_ERROR);
    }
  }

  /**
   * What is known of them.
   *
   * @param total how many were found
   * @param reasons how many of each reason
   * @param latest the latest, newest first
   * @param complete false if the next reading will find more
   */
  public record Reading(
      long total, Map<String, Long> reasons, List<Entry> latest, boolean complete) {}

  /**
   * Reads on.
   *
   * @param budget how long it may take, not counting the record that is being read then
   */
  public synchronized Reading read(Duration budget) throws IOException {
    long end = nanoClock.getAsLong() + budget.toNanos();
    lookWhatWasDone();
    boolean[] complete = {true};
    new QueueWalk(letters)
        .from(
            cycle,
            offset,
            found -> {
              if (isNew(found)) {
                take(found);
                complete[0] = nanoClock.getAsLong() - end < 0;
              }
              return complete[0];
            });
    whole |= complete[0];
    long total = reasons.values().stream().mapToLong(Long::longValue).sum();
    return new Reading(total, Map.copyOf(reasons), List.copyOf(latest), complete[0]);
  }

  private void lookWhatWasDone() throws IOException {
    if (fates == null) {
      fates = Fates.read(letters);
    } else {
      fates.readOn();
    }
    long now = fates.done(0, Long.MAX_VALUE);
    if (whole && now != done) {
      done = now;
      whole = false;
      cycle = Long.MIN_VALUE;
      offset = 0;
      lastNumber = 0;
      reasons.clear();
      latest.clear();
    }
  }

  /** The walk begins with the one at which the last reading ended. */
  private boolean isNew(FoundEvent found) {
    return found.record().sequence() > lastNumber;
  }

  private void take(FoundEvent found) {
    cycle = found.cycle();
    offset = found.offset();
    lastNumber = found.record().sequence();
    if (fates.of(lastNumber).isPresent()) {
      return;
    }
    Entry entry = Entry.of(DeadLetter.of(found.record()));
    boolean countable = reasons.containsKey(entry.reason()) || reasons.size() < MOST_REASONS;
    reasons.merge(countable ? entry.reason() : OTHER_REASON, 1L, Long::sum);
    latest.addFirst(entry);
    if (latest.size() > KEPT) {
      latest.removeLast();
    }
  }
}
