package dev.outboxrelay.relay.control;

import dev.outboxrelay.client.DeliveryOutcome;
import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutcomesFile;
import dev.outboxrelay.relay.deadletter.Fate;
import dev.outboxrelay.relay.deadletter.Fates;
import dev.outboxrelay.relay.deadletter.LetterBook;
import dev.outboxrelay.relay.tail.Source;
import java.io.Closeable;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Marks the dead letters that an earlier run has moved to lanes and not marked. They are found
 * where they were moved to, whatever became of the request: a lane saves no position meanwhile, so
 * they are still there. After that no request is half done. For one thread.
 */
final class HalfMoved implements Closeable {
  private static final Logger LOG = LoggerFactory.getLogger(HalfMoved.class);
  private static final UUID NOBODY = new UUID(0, 0);
  private static final long AGAIN_NANOS = TimeUnit.SECONDS.toNanos(10);

  private final Workplace place;
  private final OutboxPaths letters;

  /** The requests that it was about. */
  private final Set<UUID> requests = new HashSet<>();

  /** What is to be looked at; null before it is known. */
  private Deque<String> topics = new ArrayDeque<>();

  /** Those of which letters could not be marked: their lanes save nothing until they are. */
  private final Set<String> left = new HashSet<>();

  private boolean underWay;
  private long nextNanos;
  private LetterBook book; // null if they can't be marked
  private Fates fates; // null if they can't be read
  private UUID deadLetters;
  private Exception cannot; // why they can't be marked, or not all of them; null if they can

  /** Looks at nothing yet. */
  HalfMoved(Workplace place, long now) {
    this.place = place;
    this.letters = place.paths().deadLetters();
    this.nextNanos = now;
  }

  /** Somewhere, if it is not known of which request. */
  boolean concern() {
    return concern(NOBODY);
  }

  /**
   * A request was taken up, and may have moved letters; until it is known which, no lane saves a
   * position.
   *
   * @return false if it was about this one before
   */
  boolean concern(UUID request) {
    if (!requests.add(request)) {
      return false;
    }
    place.parked().lanes().holdAll(NOBODY);
    underWay = true;
    topics = null;
    return true;
  }

  /** These are left. */
  void keep(Collection<UUID> there) {
    requests.retainAll(there);
  }

  /** Whether there is something to do, before anything else is done of letters. */
  boolean isDue(long now) {
    return underWay || (!left.isEmpty() && now - nextNanos >= 0);
  }

  /** Whether no lane is held back for the sake of this. */
  boolean isAllMarked() {
    return !underWay && left.isEmpty();
  }

  /** What keeps some from being marked; null if nothing does. */
  IOException trouble() {
    return left.isEmpty()
        ? null
        : new IOException(
            "dead letters that were moved to topic "
                + left.iterator().next()
                + (left.size() == 1 ? "" : " and " + (left.size() - 1) + " others")
                + " can't be marked as replayed, and until then no position is saved there: "
                + cannot.getMessage(),
            cannot);
  }

  /** Looks at one topic. */
  void work(long now) {
    if (topics == null || !underWay) {
      begin();
    }
    String topic = topics.poll();
    if (topic != null) {
      try {
        left.remove(topic);
        look(topic);
      } catch (IOException | OutboxError e) {
        left.add(topic);
        cannot = cannot == null ? e : cannot;
      }
      return;
    }
    place.parked().lanes().holdOnly(NOBODY, left);
    underWay = false;
    nextNanos = now + AGAIN_NANOS;
    letGo();
  }

  private void begin() {
    boolean all = topics == null;
    topics = new ArrayDeque<>(left);
    if (all) {
      topics.clear();
      place
          .parked()
          .topics()
          .forEach(
              (topic, held) -> {
                if (!held.isEmpty()) {
                  topics.add(topic);
                }
              });
      left.retainAll(topics);
    }
    underWay = true;
    cannot = null;
    letGo();
    try {
      deadLetters = OutboxIdentity.outboxOf(letters);
      fates = Fates.read(letters);
      book = LetterBook.find(place.letters(), place.like().clock()).orElse(null);
    } catch (IOException | OutboxError e) {
      cannot = e;
    }
  }

  private void look(String topic) throws IOException {
    Set<Source> moved = place.parked().replays(topic, this::isUnmarked);
    if (moved.isEmpty()) {
      return;
    }
    if (book != null) {
      mark(topic, moved);
    } else if (cannot != null) {
      left.add(topic);
    }
  }

  /** Whatever can't be read, it may be one. */
  private boolean isUnmarked(Source.Letter letter) {
    return (deadLetters == null || letter.deadLetters().equals(deadLetters))
        && (fates == null || fates.of(letter.number()).isEmpty());
  }

  private void mark(String topic, Set<Source> moved) throws IOException {
    place.parked().syncOf(topic);
    long last = book.lastNumber(); // another letter may get the number of one that is lost
    List<Long> numbers = new ArrayList<>();
    List<OutcomesFile.Range> outcomes = new ArrayList<>();
    for (Source source : moved) {
      if (source.letter().number() <= last) {
        numbers.add(source.letter().number());
        if (source.isOf(place.identity()) && source.sequence() <= place.saved().getAsLong()) {
          outcomes.add(
              new OutcomesFile.Range(source.sequence(), source.sequence(), DeliveryOutcome.PARKED));
        }
      }
    }
    place.outcomes().append(outcomes);
    numbers.sort(Long::compare);
    book.mark(numbers, Fate.REPLAYED);
    place.parked().lanes().tellReplayed(topic);
    LOG.atInfo()
        .addKeyValue("topic", topic)
        .addKeyValue("letters", numbers.size())
        .log("dead letters were moved by a request that was broken off, and count as replayed");
  }

  private void letGo() {
    fates = null;
    deadLetters = null;
    try {
      close();
    } catch (IOException e) {
      LOG.atWarn().addKeyValue("error", e.getMessage()).log("dead letters could not be closed");
    }
  }

  @Override
  public void close() throws IOException {
    LetterBook closed = book;
    book = null;
    if (closed != null) {
      closed.close();
    }
  }
}
