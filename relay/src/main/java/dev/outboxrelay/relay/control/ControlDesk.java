package dev.outboxrelay.relay.control;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.relay.fact.Discard;
import dev.outboxrelay.relay.fact.Fact;
import dev.outboxrelay.relay.settle.Chores;
import java.io.IOException;
import java.nio.file.attribute.FileTime;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
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
  private static final long TIDY_NANOS = TimeUnit.HOURS.toNanos(1);

  /** A look again for what no change of the directory tells. */
  private static final long UNUSABLE_NANOS = TimeUnit.SECONDS.toNanos(10);

  /** File systems count in seconds. */
  private static final long CHANGE_MILLIS = 2_000;

  private static final UUID NOBODY = new UUID(0, 0);

  private static final long ANSWER_MILLIS = TimeUnit.DAYS.toMillis(1);

  private final Workplace place;
  private final ControlFiles files;
  private final Report report;
  private final LetterTrim trim;
  private FileTime seen; // of the directory, when all in it was seen; null if that is not known
  private String unreadable; // what was wrong with a file of the last look
  private final Map<UUID, Long> failing = new HashMap<>(); // requests, and when to try them again
  private boolean takesFailing;
  private long lookedNanos;
  private UUID id; // of the request that is being applied; null if none is
  private Verb verb;
  private Task task;
  private long nextNanos;
  private long tidyNanos;
  private long lookAnywayNanos = Long.MAX_VALUE;

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
    this.nextNanos = now;
    this.tidyNanos = now;
  }

  /**
   * Before anything else of the outbox goes on: what an earlier run left half done is not to be
   * settled before it is written down.
   */
  public void begin() {
    try {
      List<UUID> taken = files.list().taken();
      for (UUID each : taken) {
        keepLanesBack(each);
      }
    } catch (IOException | RuntimeException e) {
      place.parked().holdLanes(NOBODY); // until a look tells
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
        Task.Step step = task.step();
        if (step == Task.Step.DONE) {
          finish();
        }
        boolean waits = step == Task.Step.WAITS;
        nextNanos = waits ? now + WAIT_NANOS : now;
        return waits ? 0 : 1;
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
      report.failed(e);
      putOff(now);
      return 0;
    }
  }

  @Override
  public long nanosToNext(long now) {
    return nextNanos - now;
  }

  /** A request that fails is tried again when others have had their turn. */
  private void putOff(long now) {
    if (task == null) {
      return;
    }
    failing.put(id, now + RETRY_NANOS);
    Task failed = task;
    task = null;
    try {
      failed.close();
    } catch (IOException e) {
      report.failed(e);
    }
  }

  private int trim(long now) throws IOException {
    long discarded = trim.work(now);
    if (discarded > 0) {
      report.tell(new Fact.Discarded(Discard.LIMIT, discarded));
    }
    return discarded > 0 ? 1 : 0;
  }

  private int look(long now) throws IOException {
    FileTime changed = files.changed();
    if (changed == null) {
      place.parked().letLanesRun();
      report.done();
      return 0;
    }
    if (now - tidyNanos >= 0) {
      tidyNanos = now + TIDY_NANOS;
      files.tidy(place.like().clock().millis() - ANSWER_MILLIS);
    }
    boolean anyway = lookAnywayNanos != Long.MAX_VALUE && now - lookAnywayNanos >= 0;
    if (Objects.equals(changed, seen) && !anyway) {
      return 0;
    }
    boolean isOld = place.like().clock().millis() - changed.toMillis() > CHANGE_MILLIS;
    ControlFiles.Listing listing = files.list();
    failing.keySet().retainAll(listing.all());
    lookedNanos = now;
    takesFailing = false;
    int done = takeNext(listing);
    if (done == 0 && !failing.isEmpty()) {
      takesFailing = true;
      done = takeNext(listing);
    }
    boolean all = done == 0 && isOld && failing.isEmpty();
    seen = all ? changed : null;
    if (listing.unusable() == null && unreadable == null) {
      lookAnywayNanos = Long.MAX_VALUE;
      if (failing.isEmpty()) {
        report.done();
      }
    } else {
      lookAnywayNanos = now + UNUSABLE_NANOS;
      report.failed(new IOException(listing.unusable() == null ? unreadable : listing.unusable()));
    }
    return done;
  }

  /** Takes up what is next; returns whether there was anything to do. */
  private int takeNext(ControlFiles.Listing listing) throws IOException {
    unreadable = null;
    for (UUID each : listing.taken()) {
      if (listing.answers().contains(each)) {
        files.remove(each, ControlFiles.TAKEN);
        return 1;
      }
      if (take(each, ControlFiles.TAKEN)) {
        return 1;
      }
    }
    if (listing.taken().isEmpty()) {
      place.parked().letLanesRun();
    }
    for (UUID each : listing.requests()) {
      if (listing.answers().contains(each) || listing.taken().contains(each)) {
        files.remove(each, ControlFiles.REQUEST);
        return 1;
      }
      if (take(each, ControlFiles.REQUEST)) {
        return 1;
      }
    }
    return 0;
  }

  private boolean take(UUID each, String kind) throws IOException {
    if (failing.containsKey(each) && (!takesFailing || lookedNanos - failing.get(each) < 0)) {
      return false; // others come first
    }
    try {
      JsonNode content = files.read(each, kind).orElse(null);
      if (content == null) {
        return true; // gone meanwhile
      }
      boolean before = kind.equals(ControlFiles.TAKEN);
      Request request = Request.of(each, before ? content.path("request") : content);
      task = task(request, before ? content.path("plan") : null);
      id = each;
      verb = request.verb();
      return true;
    } catch (IllegalArgumentException e) {
      ObjectNode refused = JsonNodeFactory.instance.objectNode();
      refused.put("error", "the request can't be used: " + e.getMessage());
      answer(each, null, refused);
      return true;
    } catch (IOException | OutboxError e) {
      unreadable = each + kind + ": " + e.getMessage(); // others are taken up all the same
      return false;
    }
  }

  private Task task(Request request, JsonNode plan) {
    return switch (request.verb()) {
      case REPLAY_LETTERS, DISCARD_LETTERS ->
          new LettersTask(request, plan == null ? null : Plan.of(plan), place, files);
      case DISCARD_PARKED, DISCARD_REPLAYS ->
          new DiscardTask(request, plan == null ? null : Cut.of(plan), place, files);
      case RETRY_TOPIC -> new RetryTask(request.topic(), place);
    };
  }

  private void keepLanesBack(UUID taken) throws IOException {
    try {
      JsonNode content = files.read(taken, ControlFiles.TAKEN).orElse(null);
      Request request = content == null ? null : Request.of(taken, content.path("request"));
      if (request != null && request.verb().discardsParked()) {
        place.parked().discard(request.topic(), true);
      } else if (request != null && request.verb() == Verb.REPLAY_LETTERS) {
        place.parked().holdLanes(taken);
      }
    } catch (IllegalArgumentException e) {
      // It is refused when its turn comes.
    }
  }

  private void finish() throws IOException {
    ObjectNode done = task.report();
    answer(id, verb, done);
    long discarded = done.path("discarded").asLong();
    if (discarded > 0) {
      Discard why = verb.discardsParked() ? Discard.PARKED : Discard.DEAD_LETTER;
      report.tell(new Fact.Discarded(why, discarded));
    }
    Task finished = task;
    task = null;
    failing.remove(id);
    finished.close();
    finished.over();
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
        .addKeyValue("answer", content)
        .log("a request was answered");
  }

  @Override
  public void close() throws IOException {
    if (task != null) {
      task.close();
    }
  }
}
