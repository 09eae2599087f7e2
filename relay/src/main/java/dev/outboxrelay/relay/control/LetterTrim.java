package dev.outboxrelay.relay.control;

import dev.outboxrelay.relay.deadletter.Fate;
import dev.outboxrelay.relay.deadletter.Letter;
import dev.outboxrelay.relay.deadletter.LetterBook;
import dev.outboxrelay.relay.deadletter.LetterCount;
import dev.outboxrelay.relay.tail.RecordWalk;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Discards the oldest dead letters where there are more than are to be kept. For one thread. */
final class LetterTrim {
  private static final long INTERVAL_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final int AT_ONCE = 500;
  private static final long BYTES_AT_ONCE = 4 << 20;

  private final Workplace place;
  private final Settling settling;
  private final LetterCount count;
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
      return book == null ? 0 : discard(book, tooMany);
    }
  }

  private long discard(LetterBook book, long tooMany) throws IOException {
    settling.look();
    List<Long> oldest = new ArrayList<>();
    for (RecordWalk.Found found : book.walk().next(AT_ONCE, BYTES_AT_ONCE)) {
      Letter letter = Letter.of(found.record());
      if (oldest.size() < tooMany
          && book.fates().of(letter.number()).isEmpty()
          && settling.covers(letter)) {
        oldest.add(letter.number());
      }
    }
    book.mark(oldest, Fate.DISCARDED);
    while (!book.advance(AT_ONCE, BYTES_AT_ONCE)) {
      // As far as it goes.
    }
    book.deleteSettled();
    book.shorten();
    return oldest.size();
  }
}
