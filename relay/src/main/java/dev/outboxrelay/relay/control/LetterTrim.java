package dev.outboxrelay.relay.control;

import dev.outboxrelay.relay.deadletter.Fate;
import dev.outboxrelay.relay.deadletter.Letter;
import dev.outboxrelay.relay.deadletter.LetterBook;
import dev.outboxrelay.relay.deadletter.LetterCount;
import dev.outboxrelay.relay.tail.RecordWalk;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Discards the oldest dead letters where there are more than are to be kept. For one thread. */
final class LetterTrim {
  private static final Logger LOG = LoggerFactory.getLogger(LetterTrim.class);
  private static final long INTERVAL_NANOS = TimeUnit.SECONDS.toNanos(1);

  /** When all were looked at, and there are still too many: more must be settled first. */
  private static final long AT_END_NANOS = TimeUnit.SECONDS.toNanos(10);

  private static final int LOOKS = 10; // in one turn
  private static final int AT_ONCE = 500;
  private static final long BYTES_AT_ONCE = 4 << 20;

  private final Workplace place;
  private final Settling settling;
  private final LetterCount count;
  private RecordWalk walk; // where it goes on; null to begin with the oldest
  private UUID walked; // whose letters it goes through
  private long passed; // the last number up to which it has come
  private boolean stopped; // behind that some can't be read
  private long unread; // how many: they cost none of the others its place
  private long nextNanos;
  private long seen = -1; // the letter that was added last, when there were not too many

  LetterTrim(Workplace place, long now) {
    this.place = place;
    this.settling = new Settling(place);
    this.count = new LetterCount(place.paths().deadLetters());
    this.nextNanos = now;
  }

  /** One turn; returns how many were discarded. */
  long work(long now) throws IOException {
    if (place.mostLetters().isEmpty() || now - nextNanos < 0) {
      return 0;
    }
    nextNanos = now + INTERVAL_NANOS;
    long last = LetterCount.lastNumber(place.paths().deadLetters());
    if (last == seen) {
      return 0;
    }
    long tooMany = count.now() - place.mostLetters().getAsLong();
    seen = tooMany <= 0 ? last : -1;
    if (tooMany <= 0) {
      return 0;
    }
    try (LetterBook book = LetterBook.find(place.letters(), place.like().clock()).orElse(null)) {
      return book == null ? 0 : discard(book, tooMany, now);
    }
  }

  private long discard(LetterBook book, long tooMany, long now) throws IOException {
    settling.look();
    boolean goesOn = walk != null && book.outbox().equals(walked);
    walk = goesOn ? book.walk(walk) : book.walk();
    walked = book.outbox();
    if (!goesOn) {
      passed = book.behind();
      stopped = false;
      unread = 0;
    }
    List<Long> oldest = new ArrayList<>();
    boolean atEnd = false;
    for (int i = 0; i < LOOKS && oldest.size() < tooMany - unread && !atEnd; i++) {
      RecordWalk next = walk.copy();
      List<RecordWalk.Found> found = next.next(AT_ONCE, BYTES_AT_ONCE);
      countUnread(found, book);
      addSome(found, tooMany - unread, book, oldest);
      RecordWalk.End end = next.end().orElse(null);
      atEnd = end instanceof RecordWalk.End.OfAll;
      if (end instanceof RecordWalk.End.Stopped at) {
        LOG.atWarn()
            .addKeyValue("error", at.why())
            .log("dead letters can't be read, and are kept: mend that, or move the file away");
        next.passOver(at);
        stopped = true;
      }
      walk = oldest.size() < tooMany - unread ? next : walk; // else some of these may be next
    }
    if (atEnd) {
      walk = null; // what could not be discarded yet comes next time
      nextNanos = now + AT_END_NANOS;
    }
    book.mark(oldest, Fate.DISCARDED);
    while (!book.advance(AT_ONCE, BYTES_AT_ONCE)) {
      // As far as it goes.
    }
    book.deleteSettled();
    book.shorten();
    return oldest.size();
  }

  private void countUnread(List<RecordWalk.Found> found, LetterBook book) {
    if (found.isEmpty()) {
      return;
    }
    if (stopped) {
      long before = found.get(0).record().sequence() - 1;
      unread += before - passed - book.fates().done(passed, before);
      stopped = false;
    }
    passed = found.get(found.size() - 1).record().sequence();
  }

  private void addSome(List<RecordWalk.Found> found, long most, LetterBook book, List<Long> oldest)
      throws IOException {
    for (RecordWalk.Found each : found) {
      Letter letter = Letter.of(each.record());
      if (oldest.size() < most
          && book.fates().of(letter.number()).isEmpty()
          && settling.covers(letter)) {
        oldest.add(letter.number());
      }
    }
  }
}
