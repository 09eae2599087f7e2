package dev.outboxrelay.relay.control;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.relay.fact.Discard;
import dev.outboxrelay.relay.fact.Fact;
import dev.outboxrelay.relay.settle.Chores;
import dev.outboxrelay.relay.settle.OwnPosition;
import java.io.IOException;
import java.nio.file.attribute.FileTime;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Applies the requests in {@code control/}, one after the other, and answers them. A request is
 * written anew when it was taken up, removed when its answer is there, and what was done of it is
 * marked as it is done: so it is applied once, whatever is killed when. For one thread.
 */
public final class ControlDesk implements Chores {
  private static final Logger LOG = LoggerFactory.getLogger(ControlDesk.class);

  private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(250);
  private static final long WAIT_NANOS = TimeUnit.MILLISECONDS.toNanos(20);
  private static final long RETRY_NANOS = TimeUnit.SECONDS.toNanos(1);

  /** A lane ends within seconds, unless somebody else has its lock. */
  private static final long MOST_WAIT_NANOS = TimeUnit.SECONDS.toNanos(5);

  private static final long TIDY_NANOS = TimeUnit.HOURS.toNanos(1);

  /** A look again for what no change of the directory tells. */
  private static final long UNUSABLE_NANOS = TimeUnit.SECONDS.toNanos(10);

  /** File systems count in seconds. */
  private static final long CHANGE_MILLIS = 2_000;

  private static final long ANSWER_MILLIS = TimeUnit.DAYS.toMillis(1);

  private final Workplace place;
  private final ControlFiles files;
  private final Report report;
  private final LetterTrim trim;
  private final Deque<Waiting> waiting = new ArrayDeque<>(); // of the last listing
  private FileTime seen; // of the directory, when all in it was seen; null if that is not known
  private FileTime listed; // of the directory, when it was listed; null if more may be there
  private String unusable; // what was wrong with a file of the last look
  private final OpenRequests open = new OpenRequests();
  private final HalfMoved halfMoved;
  private boolean takesFailing;
  private long lookedNanos;
  private Request request; // that is being applied, or was last
  private Task task; // null if none is
  private long waitsNanos; // since when it waits
  private boolean waits;
  private String refusal; // why it can't be applied; null if it can
  private long nextNanos;
  private long tidyNanos;
  private long lookAnywayNanos = Long.MAX_VALUE;

  private record Waiting(UUID id, String kind) {}

  /**
   * Looks at nothing yet.
   *
   * @param report told what fails
   */
  public ControlDesk(Workplace place, Report report, long now) {
    this.place = place;
    this.files = new ControlFiles(place.paths(), place.like().disk());
    this.report = report;
    this.trim = new LetterTrim(place, now);
    this.halfMoved = new HalfMoved(place, now);
    this.nextNanos = now;
    this.tidyNanos = now;
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
      seen = null;
      waiting.clear();
      report.failed(e);
      putOff(now);
      return 0;
    }
  }

  @Override
  public long nanosToNext(long now) {
    return nextNanos - now;
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

  /** A request that fails is tried again when others have had their turn. */
  private void putOff(long now) {
    if (task == null) {
      return;
    }
    open.failed(request.id(), now + RETRY_NANOS);
    refusal = null;
    Task failed = task;
    task = null;
    waits = false;
    try {
      if (files.isThere(request.id(), ControlFiles.TAKEN)) {
        open.taken(request);
      }
    } catch (IOException | OutboxError e) {
      open.taken(request);
      report.failed(e);
    }
    try {
      failed.close();
    } catch (IOException | OutboxError e) {
      report.failed(e);
    }
  }

  private int trim(long now) throws IOException {
    long discarded = open.concernLetters() ? 0 : trim.work(now);
    if (discarded > 0) {
      report.tell(new Fact.Discarded(Discard.LIMIT, discarded));
    }
    return discarded > 0 ? 1 : 0;
  }

  private int look(long now) throws IOException {
    FileTime changed = files.changed();
    if (changed == null) {
      open.keep(List.of());
      letLanesRun();
      report.done();
      return 0;
    }
    if (now - tidyNanos >= 0) {
      tidyNanos = now + TIDY_NANOS;
      files.tidy(place.like().clock().millis() - ANSWER_MILLIS);
    }
    if (waiting.isEmpty()) {
      boolean anyway = lookAnywayNanos != Long.MAX_VALUE && now - lookAnywayNanos >= 0;
      if (Objects.equals(changed, seen) && !anyway) {
        return 0;
      }
      list(changed);
      if (halfMoved.isDue(now)) {
        seen = null;
        return 1; // that comes first
      }
    }
    lookedNanos = now;
    takesFailing = false;
    boolean done = takeNext();
    if (!done && !open.noneFails()) {
      list(changed);
      takesFailing = true;
      done = takeNext();
    }
    seen = null;
    if (!done) {
      seen = open.noneFails() ? listed : null; // nothing of what there was then is left
      lookAnywayNanos = unusable == null ? Long.MAX_VALUE : now + UNUSABLE_NANOS;
      if (unusable != null) {
        report.failed(new IOException(unusable));
      } else if (halfMoved.trouble() != null) {
        report.failed(halfMoved.trouble());
      } else if (open.noneFails()) {
        report.done();
      }
    }
    return done ? 1 : 0;
  }

  private void list(FileTime changed) throws IOException {
    boolean isOld = place.like().clock().millis() - changed.toMillis() > CHANGE_MILLIS;
    listed = isOld ? changed : null;
    ControlFiles.Listing listing = files.list();
    unusable = listing.unusable();
    Set<UUID> there = new HashSet<>(listing.taken());
    there.addAll(listing.requests());
    open.keep(there);
    there.addAll(listing.foreign());
    halfMoved.keep(there);
    listing.foreign().forEach(halfMoved::concern);
    listing.taken().forEach(each -> waiting.add(new Waiting(each, ControlFiles.TAKEN)));
    listing.requests().forEach(each -> waiting.add(new Waiting(each, ControlFiles.REQUEST)));
    if (listing.taken().isEmpty()) {
      letLanesRun();
    }
  }

  private void letLanesRun() {
    if (halfMoved.isAllMarked()) {
      place.parked().lanes().letRun();
    }
  }

  /** Takes up what is next; returns whether there was anything to do. */
  private boolean takeNext() throws IOException {
    for (Waiting next = waiting.poll(); next != null; next = waiting.poll()) {
      if (take(next.id(), next.kind())) {
        listed = null; // there may be more, and what was taken up before comes first
        if (next.kind().equals(ControlFiles.TAKEN)) {
          waiting.clear();
        }
        return true;
      }
    }
    return false;
  }

  private boolean take(UUID each, String kind) throws IOException {
    if (open.waits(each, takesFailing, lookedNanos)) {
      return false; // others come first
    }
    try {
      boolean before = kind.equals(ControlFiles.TAKEN);
      boolean answered = files.isAnswered(each);
      if (answered || (!before && files.isThere(each, ControlFiles.TAKEN))) {
        files.remove(each, kind);
        if (answered) {
          open.answered(each);
        }
        return true;
      }
      Taken taken = before ? files.taken(each).orElse(null) : null;
      JsonNode content = taken == null ? null : taken.request();
      content = before ? content : files.request(each).orElse(null);
      if (content == null) {
        return true; // gone meanwhile
      }
      Request next = Request.of(each, content);
      if (before) {
        open.taken(next);
      } else if (open.keepBack(next)) {
        listed = null; // its turn comes
        return false;
      }
      task = task(next, taken);
      request = next;
      return true;
    } catch (IllegalArgumentException e) {
      return isHalfMoved(each, kind) || refuse(each, kind, e);
    } catch (IOException | OutboxError e) {
      if (isHalfMoved(each, kind)) {
        return true;
      }
      cantBeUsed(each, kind, e);
      return false;
    }
  }

  /** What it has moved has to be marked first, as nobody will go on with it. */
  private boolean isHalfMoved(UUID each, String kind) {
    return kind.equals(ControlFiles.TAKEN) && halfMoved.concern(each);
  }

  private boolean refuse(UUID each, String kind, IllegalArgumentException e) {
    String why = String.valueOf(e.getMessage()); // which may repeat what stands there
    String error = "the request can't be used: " + why.substring(0, Math.min(1000, why.length()));
    try {
      answer(each, null, JsonNodeFactory.instance.objectNode().put("error", error));
      open.answered(each);
      place.parked().lanes().release(each);
      return true;
    } catch (IOException | OutboxError failure) {
      open.failed(each, lookedNanos + RETRY_NANOS);
      cantBeUsed(each, kind, failure);
      return false;
    }
  }

  /** Others are taken up all the same. */
  private void cantBeUsed(UUID each, String kind, Exception e) {
    unusable = unusable == null ? each + kind + ": " + e.getMessage() : unusable;
  }

  private Task task(Request request, Taken taken) {
    return switch (request.verb()) {
      case REPLAY_LETTERS, DISCARD_LETTERS ->
          new LettersTask(
              request,
              taken == null ? null : Plan.of(taken),
              halfMoved.trouble() != null,
              place,
              files);
      case DISCARD_PARKED, DISCARD_REPLAYS ->
          new DiscardTask(request, taken == null ? null : Cut.of(taken.plan()), place, files);
      case RETRY_TOPIC -> new RetryTask(request.topics(), place);
    };
  }

  private void keepLanesBack(UUID taken) {
    try {
      Taken content = files.taken(taken).orElse(null);
      Request request = content == null ? null : Request.of(taken, content.request());
      if (request != null && request.verb().discardsParked()) {
        place.parked().lanes().discard(request.topic(), true);
      } else if (request != null && request.verb() == Verb.REPLAY_LETTERS) {
        var unused = halfMoved.concern(taken);
      }
    } catch (IllegalArgumentException e) {
      var unused = halfMoved.concern(taken); // it is refused when its turn comes
    } catch (IOException | OutboxError e) {
      var unused = halfMoved.concern(taken);
      report.failed(e);
    }
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
    answer(request.id(), request.verb(), done);
    long discarded = done.path("discarded").asLong();
    if (discarded > 0) {
      Discard why = request.verb().discardsParked() ? Discard.PARKED : Discard.DEAD_LETTER;
      report.tell(new Fact.Discarded(why, discarded));
    }
    open.answered(request.id());
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

  private void answer(UUID to, Verb about, ObjectNode content) throws IOException {
    content.put("id", to.toString());
    content.put("verb", about == null ? null : about.label());
    content.put("answered", place.like().clock().millis());
    files.write(to, ControlFiles.ANSWER, content);
    files.remove(to, ControlFiles.TAKEN);
    files.remove(to, ControlFiles.REQUEST);
    LOG.atInfo()
        .addKeyValue("request", to)
        .addKeyValue("verb", about == null ? "none" : about.label())
        .addKeyValue("answer", NotFound.counted(content))
        .log("a request was answered");
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
