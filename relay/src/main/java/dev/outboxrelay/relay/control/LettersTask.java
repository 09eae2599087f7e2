package dev.outboxrelay.relay.control;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.outboxrelay.relay.deadletter.Fate;
import dev.outboxrelay.relay.deadletter.Letter;
import dev.outboxrelay.relay.deadletter.LetterBook;
import dev.outboxrelay.relay.tail.RecordWalk;
import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * Replays or discards dead letters. First it chooses them and writes down which; then it does what
 * was asked for, a batch at a time, and marks them. After a kill it goes on with those that are not
 * marked. For one thread.
 */
final class LettersTask implements Task {
  private static final int CHOSEN_AT_ONCE = 500;
  private static final int DONE_AT_ONCE = 256;
  private static final long BYTES_AT_ONCE = 4 << 20;

  private final Request request;
  private final Workplace place;
  private final ControlFiles files;
  private final Replay replay; // null if they are discarded
  private final Settling settling;
  private final Skipped skipped = new Skipped();
  private final Map<Fate, Long> done = new EnumMap<>(Fate.class);
  private LetterBook book; // null until it is needed, or if there are no dead letters
  private RecordWalk walk;
  private long lastNumber; // when the choice began
  private final Unfound unfound;
  private Plan chosen; // so far
  private Plan plan; // written down
  private boolean applied;

  /** Whether an earlier run may have done something of it. */
  private final boolean resumed;

  /**
   * Does nothing yet.
   *
   * @param plan of one that was taken up before; else null
   * @param again whether something may have been moved before that is not marked
   */
  LettersTask(Request request, Plan plan, boolean again, Workplace place, ControlFiles files) {
    this.request = request;
    this.plan = plan;
    this.resumed = plan != null;
    this.place = place;
    this.files = files;
    this.settling = new Settling(place);
    this.unfound = new Unfound(request.select());
    this.replay =
        request.verb() == Verb.REPLAY_LETTERS
            ? new Replay(place, request, again || plan != null)
            : null;
  }

  @Override
  public Step step() throws IOException {
    if (book == null && !open()) {
      return Step.DONE;
    }
    if (plan == null) {
      choose();
      return Step.GOES_ON;
    }
    if (!plan.isOf(book.outbox())) {
      return Step.DONE; // somebody has taken away the dead letters that it is about
    }
    if (!applied) {
      apply();
      return Step.GOES_ON;
    }
    if (!book.advance(CHOSEN_AT_ONCE, BYTES_AT_ONCE)) {
      return Step.GOES_ON;
    }
    book.deleteSettled();
    done.clear();
    plan.each(number -> book.fates().of(number).ifPresent(fate -> done.merge(fate, 1L, Long::sum)));
    skipped.notMet(plan.size() - done.values().stream().mapToLong(Long::longValue).sum());
    return Step.DONE;
  }

  private boolean open() throws IOException {
    book = LetterBook.find(place.letters(), place.like().clock()).orElse(null);
    if (book == null) {
      return false;
    }
    lastNumber = Math.min(book.lastNumber(), request.select().upTo(request.upTo()));
    walk = book.walk();
    return true;
  }

  private void choose() throws IOException {
    if (chosen == null) {
      chosen = new Plan(book.outbox());
    }
    boolean enough = false;
    for (RecordWalk.Found found : walk.next(CHOSEN_AT_ONCE, BYTES_AT_ONCE)) {
      Letter letter = Letter.of(found.record());
      if (letter.number() > lastNumber) {
        enough = true;
        break;
      }
      if (isWanted(letter)) {
        unfound.found(letter.number(), letter.kept().orElse(null));
        if (!chosen.add(letter.number())) {
          enough = true;
          break;
        }
      }
    }
    if (enough || isAtEnd(walk)) {
      boolean all = !chosen.more() && !skipped.hasUnread();
      chosen.notFound(all ? unfound.names() : List.of());
      ObjectNode taken = JsonNodeFactory.instance.objectNode();
      taken.set("request", request.json());
      taken.set("plan", chosen.json());
      files.take(request.id(), taken);
      plan = chosen;
      walk = book.walk();
    }
  }

  /** Those behind a cycle that can't be read now are not to wait for those in it. */
  private boolean isAtEnd(RecordWalk through) {
    RecordWalk.End end = through.end().orElse(null);
    if (end instanceof RecordWalk.End.Stopped stopped) {
      skipped.unread(stopped.why());
      through.passOver(stopped);
    }
    return end instanceof RecordWalk.End.OfAll;
  }

  private boolean isWanted(Letter letter) {
    return book.fates().of(letter.number()).isEmpty()
        && request.select().matches(letter.number(), letter.reason(), letter.kept().orElse(null));
  }

  private boolean isUndone(Letter letter) {
    return plan.contains(letter.number()) && book.fates().of(letter.number()).isEmpty();
  }

  /** The next batch: what could be done of it is marked in the end. */
  private void apply() throws IOException {
    RecordWalk next = walk.copy();
    List<RecordWalk.Found> batch = next.next(DONE_AT_ONCE, BYTES_AT_ONCE);
    Skipped skippedNow = new Skipped();
    settling.look();
    try {
      List<Long> numbers = new ArrayList<>();
      for (RecordWalk.Found found : batch) {
        Letter letter = Letter.of(found.record());
        if (isUndone(letter)) {
          if (!settling.covers(letter)) {
            skippedNow.notSettled();
          } else if (replay == null) {
            numbers.add(letter.number());
          } else {
            replay.add(letter, book.outbox(), skippedNow);
          }
        }
      }
      if (replay == null) {
        book.mark(numbers, Fate.DISCARDED);
      } else {
        book.mark(replay.finishBatch(skippedNow), Fate.REPLAYED);
      }
    } catch (IOException | RuntimeException e) {
      if (replay != null) {
        replay.failed();
      }
      throw e;
    }
    skipped.add(skippedNow);
    walk = next;
    applied =
        isAtEnd(next)
            || (!batch.isEmpty() && plan.isBehind(batch.get(batch.size() - 1).record().sequence()));
    if (replay != null) {
      replay.marked();
      if (!resumed) {
        place.parked().lanes().release(request.id());
      }
    }
  }

  @Override
  public ObjectNode report() {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    for (Fate fate : Fate.values()) {
      node.put(fate.label(), done.getOrDefault(fate, 0L));
    }
    skipped.putInto(node);
    if (request.hasUpTo()) {
      node.put("up_to", request.upTo());
    }
    if (book != null && book.lost() > 0) {
      node.put("lost", book.lost());
    }
    node.put("more", plan != null && plan.more());
    NotFound.put(node, plan == null ? unfound.names() : plan.notFound());
    return node;
  }

  @Override
  public void over() {
    place.parked().lanes().release(request.id());
  }

  @Override
  public void answered() throws IOException {
    if (book != null) {
      book.shorten(); // after which nobody can tell any more what it has done
    }
  }

  @Override
  public void close() throws IOException {
    if (book != null) {
      book.close();
    }
  }
}
