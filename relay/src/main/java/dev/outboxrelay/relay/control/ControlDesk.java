package dev.outboxrelay.relay.control;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.relay.fact.Discard;
import dev.outboxrelay.relay.fact.Fact;
import dev.outboxrelay.relay.settle.Chores;
import dev.outboxrelay.relay.settle.OwnPosition;
import java.io.IOException;
import java.util.UUID;
import java.util.concurrent.TimeUnit;

/**
 * Applies the requests in {@code control/}, one after the other, and answers them. A request is
 * written anew when it was taken up, removed when its answer is there, and what was done of it is
 * marked as it is done: so it is applied once, whatever is killed when. For one thread.
 */
public final class ControlDesk implements Chores {
  private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(250);
  private static final long WAIT_NANOS = TimeUnit.MILLISECONDS.toNanos(20);
  private static final long RETRY_NANOS = TimeUnit.SECONDS.toNanos(1);

  /** A lane ends within seconds, unless somebody else has its lock. */
  private static final long MOST_WAIT_NANOS = TimeUnit.SECONDS.toNanos(5);

  private final Workplace place;
  private final ControlFiles files;
  private final Answering answering;
  private final Report report;
  private final LetterTrim trim;
  private final HalfMoved halfMoved;
  private final Inbox inbox;
  private Request request; // that is being applied, or was last
  private Task task; // null if none is
  private long waitsNanos; // since when it waits
  private boolean waits;
  private String refusal; // why it can't be applied; null if it can
  private long nextNanos;

  /**
   * Looks at nothing yet.
   *
   * @param report told what fails
   */
  public ControlDesk(Workplace place, Report report, long now) {
    this.place = place;
    this.files = new ControlFiles(place.paths(), place.like().disk());
    this.answering = new Answering(files, place.like().clock());
    this.report = report;
    this.trim = new LetterTrim(place, now);
    this.halfMoved = new HalfMoved(place, now);
    this.inbox = new Inbox(place, files, answering, report, halfMoved, this::task, now);
    this.nextNanos = now;
  }

  /**
   * Before anything else of the outbox goes on: what an earlier run left half done is not to be
   * settled before it is written down.
   */
  public void begin() {
    try {
      ControlFiles.Listing listing = files.list();
      listing.taken().forEach(this::keepLanesBack);
      listing.foreign().forEach(halfMoved::concern);
    } catch (OutboxError e) {
      report.failed(e); // whatever is there, it is none of ours
    } catch (IOException | RuntimeException e) {
      var unused = halfMoved.concern();
      report.failed(e);
    }
  }

  private void keepLanesBack(UUID taken) {
    try {
      Taken content = files.taken(taken).orElse(null);
      Request before = content == null ? null : Request.of(taken, content.request());
      if (before != null && before.verb().discardsParked()) {
        place.parked().lanes().discard(before.topic(), true);
      } else if (before != null && before.verb() == Verb.REPLAY_LETTERS) {
        var unused = halfMoved.concern(taken);
      }
    } catch (IllegalArgumentException e) {
      var unused = halfMoved.concern(taken); // it is refused when its turn comes
    } catch (IOException | OutboxError e) {
      var unused = halfMoved.concern(taken);
      report.failed(e);
    }
  }

  @Override
  public int work(long now) {
    if (nanosToNext(now) > 0) {
      return 0;
    }
    try {
      if (task != null) {
        return goOn(now);
      }
      if (halfMoved.isDue(now)) {
        halfMoved.work(now);
        return 1;
      }
      nextNanos = now + LOOK_NANOS;
      int done = look(now);
      done += task == null ? trim(now) : 0;
      nextNanos = done > 0 ? now : nextNanos;
      return done;
    } catch (IOException | RuntimeException e) {
      // Whatever stands in these files, delivery goes on.
      nextNanos = now + (task == null ? RETRY_NANOS : WAIT_NANOS);
      inbox.lookAnew();
      report.failed(e);
      putOff(now);
      return 0;
    }
  }

  @Override
  public long nanosToNext(long now) {
    return nextNanos - now;
  }

  private int look(long now) throws IOException {
    boolean done = inbox.look(now);
    Inbox.Next next = inbox.next();
    if (next != null) {
      request = next.request();
      task = next.task();
    }
    return done ? 1 : 0;
  }

  private Task task(Request wanted, Taken taken) {
    return switch (wanted.verb()) {
      case REPLAY_LETTERS, DISCARD_LETTERS ->
          new LettersTask(
              wanted,
              taken == null ? null : Plan.of(taken),
              halfMoved.trouble() != null,
              place,
              files);
      case DISCARD_PARKED, DISCARD_REPLAYS ->
          new DiscardTask(wanted, taken == null ? null : Cut.of(taken.plan()), place, files);
      case RETRY_TOPIC -> new RetryTask(wanted.topics(), place);
    };
  }

  private int trim(long now) throws IOException {
    long discarded = inbox.concernsLetters() ? 0 : trim.work(now);
    if (discarded > 0) {
      report.tell(new Fact.Discarded(Discard.LIMIT, discarded));
    }
    return discarded > 0 ? 1 : 0;
  }

  private int goOn(long now) throws IOException {
    Task.Step step = step();
    waitsNanos = waits ? waitsNanos : now;
    waits = step == Task.Step.WAITS;
    nextNanos = waits ? now + WAIT_NANOS : now;
    if (step == Task.Step.DONE) {
      finish();
    } else if (waits && !files.isOpen(request.id())) {
      end(task); // withdrawn
    } else if (waits && now - waitsNanos >= MOST_WAIT_NANOS) {
      putOff(now);
    }
    return waits ? 0 : 1;
  }

  private Task.Step step() throws IOException {
    try {
      return task.step();
    } catch (OwnPosition.Unusable e) {
      if (files.isThere(request.id(), ControlFiles.TAKEN)) {
        throw e;
      }
      refusal = e.getMessage(); // nothing was done yet
      return Task.Step.DONE;
    } catch (ControlFiles.Withdrawn e) {
      return Task.Step.WAITS; // and no longer
    }
  }

  private void finish() throws IOException {
    ObjectNode done =
        refusal == null
            ? task.report()
            : JsonNodeFactory.instance.objectNode().put("error", refusal);
    answering.answer(request.id(), request.verb(), done);
    long discarded = done.path("discarded").asLong();
    if (discarded > 0) {
      Discard why = request.verb().discardsParked() ? Discard.PARKED : Discard.DEAD_LETTER;
      report.tell(new Fact.Discarded(why, discarded));
    }
    inbox.answered(request);
    refusal = null;
    try {
      task.answered();
    } finally {
      end(task);
    }
  }

  private void end(Task ended) throws IOException {
    task = null;
    waits = false;
    try {
      ended.close();
    } finally {
      ended.over();
    }
  }

  /** A request that fails is tried again when others have had their turn. */
  private void putOff(long now) {
    if (task == null) {
      return;
    }
    inbox.putOff(request, now);
    refusal = null;
    Task failed = task;
    task = null;
    waits = false;
    try {
      failed.close();
    } catch (IOException | OutboxError e) {
      report.failed(e);
    }
  }

  @Override
  public void close() throws IOException {
    try (halfMoved) {
      if (task != null) {
        task.close();
      }
    }
  }
}
