package dev.outboxrelay.relay.control;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.relay.settle.Chores;
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

/**
 * The requests in {@code control/} that are to be applied: which of them is next. Those that were
 * taken up before come first, one that fails waits until others have had their turn, and one that
 * can't be used is refused. For one thread.
 */
final class Inbox {
  /** A request that failed is tried again after that. */
  private static final long RETRY_NANOS = TimeUnit.SECONDS.toNanos(1);

  private static final long TIDY_NANOS = TimeUnit.HOURS.toNanos(1);

  /** A look again for what no change of the directory tells. */
  private static final long UNUSABLE_NANOS = TimeUnit.SECONDS.toNanos(10);

  /** File systems count in seconds. */
  private static final long CHANGE_MILLIS = 2_000;

  private static final long ANSWER_MILLIS = TimeUnit.DAYS.toMillis(1);

  private final Workplace place;
  private final ControlFiles files;
  private final Answering answering;
  private final Chores.Report report;
  private final HalfMoved halfMoved;
  private final Tasks tasks;
  private final OpenRequests open = new OpenRequests();
  private final Deque<Waiting> waiting = new ArrayDeque<>(); // of the last listing
  private FileTime seen; // of the directory, when all in it was seen; null if that is not known
  private FileTime listed; // of the directory, when it was listed; null if more may be there
  private String unusable; // what was wrong with a file of the last look
  private boolean takesFailing;
  private long lookedNanos;
  private long tidyNanos;
  private long lookAnywayNanos = Long.MAX_VALUE;
  private Next next;

  private record Waiting(UUID id, String kind) {}

  /** A request that is to be applied. */
  record Next(Request request, Task task) {}

  /** How a request is applied. */
  interface Tasks {
    /**
     * Begins nothing yet.
     *
     * @param taken how far it is; null if it was not taken up before
     * @throws IllegalArgumentException if it can't be used
     */
    Task of(Request request, Taken taken);
  }

  /**
   * Looks at nothing yet.
   *
   * @param report told what fails
   */
  Inbox(
      Workplace place,
      ControlFiles files,
      Answering answering,
      Chores.Report report,
      HalfMoved halfMoved,
      Tasks tasks,
      long now) {
    this.place = place;
    this.files = files;
    this.answering = answering;
    this.report = report;
    this.halfMoved = halfMoved;
    this.tasks = tasks;
    this.tidyNanos = now;
  }

  /**
   * Looks for what is next; {@link #next} has it then.
   *
   * @return whether there was anything to do, which may be something else
   */
  boolean look(long now) throws IOException {
    FileTime changed = files.changed();
    if (changed == null) {
      open.keep(List.of());
      letLanesRun();
      report.done();
      return false;
    }
    if (now - tidyNanos >= 0) {
      tidyNanos = now + TIDY_NANOS;
      files.tidy(place.like().clock().millis() - ANSWER_MILLIS);
    }
    if (waiting.isEmpty()) {
      boolean anyway = lookAnywayNanos != Long.MAX_VALUE && now - lookAnywayNanos >= 0;
      if (Objects.equals(changed, seen) && !anyway) {
        return false;
      }
      list(changed);
      if (halfMoved.isDue(now)) {
        seen = null;
        return true; // that comes first
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
      allWasSeen(now);
    }
    return done;
  }

  private void allWasSeen(long now) {
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

  private boolean takeNext() throws IOException {
    for (Waiting each = waiting.poll(); each != null; each = waiting.poll()) {
      if (take(each.id(), each.kind())) {
        listed = null; // there may be more, and what was taken up before comes first
        if (each.kind().equals(ControlFiles.TAKEN)) {
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
      Request request = Request.of(each, content);
      if (before) {
        open.taken(request);
      } else if (open.keepBack(request)) {
        listed = null; // its turn comes
        return false;
      }
      next = new Next(request, tasks.of(request, taken));
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
      answering.answer(each, null, JsonNodeFactory.instance.objectNode().put("error", error));
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

  /** What the last look has found, once; null if nothing is to be applied. */
  Next next() {
    Next found = next;
    next = null;
    return found;
  }

  /** What there is may be another than the last look has seen. */
  void lookAnew() {
    seen = null;
    waiting.clear();
  }

  /** One is tried again when others have had their turn. */
  void putOff(Request request, long now) {
    open.failed(request.id(), now + RETRY_NANOS);
    try {
      if (files.isThere(request.id(), ControlFiles.TAKEN)) {
        open.taken(request);
      }
    } catch (IOException | OutboxError e) {
      open.taken(request);
      report.failed(e);
    }
  }

  /** One is done with. */
  void answered(Request request) {
    open.answered(request.id());
  }

  /** Whether dead letters are left to requests that are under way. */
  boolean concernsLetters() {
    return open.concernLetters();
  }
}
