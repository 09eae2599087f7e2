package dev.outboxrelay.relay.park;

import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.relay.tail.RecordWalk;
import dev.outboxrelay.relay.tail.Source;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes what is staged to its topics' outboxes, a topic at a time, oldest first, each topic's in
 * order. Only what is on stable storage there counts as brought. For one thread.
 */
final class Bringing {
  private static final Logger LOG = LoggerFactory.getLogger(Bringing.class);
  private static final int AT_ONCE = 2048;
  private static final long BYTES_AT_ONCE = 1 << 20;

  /** Read ahead, to have many of each topic: each time, its outbox is opened and synced. */
  private static final int MOST_AHEAD = 8192;

  /** What fails is tried once in so many times at least. */
  private static final int MOST_PAUSES = 15;

  private final Staging staging;
  private final Obstacles obstacles;
  private final Target target;

  private RecordWalk walk; // null to begin with the first that was not brought
  private UUID walked; // in which outbox

  /** Where that stands what was read last and is to be brought, by topic. */
  private final Map<String, List<StagedRecords.Place>> batch = new LinkedHashMap<>();

  private RecordWalk.Found first; // of those that were read
  private RecordWalk.Found last;
  private long bytes; // of all of them
  private long bytesLeft; // of those that could not be brought

  /** Of a topic, the sequence up to which it was brought. */
  private final Map<String, Long> brought = new HashMap<>();

  /** Of the first that failed since the walk began; null if none has. */
  private Failure failure;

  private boolean failing;

  /** Topics whose events are left, in their order, until the walk begins anew. */
  private final Set<String> failed = new HashSet<>();

  private final Restaging restaging;
  private int failedWalks; // since none has failed
  private int pauses; // at the end, before the walk begins anew

  /**
   * An event that was staged.
   *
   * @param isLost whether the main queue does not have it any more
   */
  record Staged(KeptOutbox.Event event, boolean isLost) {}

  private record Failure(String topic, Exception what) {}

  /** Where they go. */
  interface Target {
    /** Adds events to a topic's outbox, unless they are there, and syncs them. */
    void bring(String topic, List<Staged> events) throws IOException;
  }

  Bringing(Staging staging, Obstacles obstacles, Target target) {
    this.staging = staging;
    this.obstacles = obstacles;
    this.restaging = new Restaging(staging);
    this.target = target;
  }

  /**
   * Brings some of what was read of the next topic, as positions wait meanwhile; returns how many
   * events. One topic that fails holds up no other: that is told when all others were brought.
   */
  int next() throws IOException {
    if (staging.isEmpty() && batch.isEmpty()) {
      return 0;
    }
    if (!isThere()) {
      staging.counted();
      return 0;
    }
    if (batch.isEmpty() && !read()) {
      return 1; // staged events are lost, or there are more in a later turn
    }
    Map.Entry<String, List<StagedRecords.Place>> first = batch.entrySet().iterator().next();
    String topic = first.getKey();
    List<StagedRecords.Place> places = first.getValue();
    int done = places.size();
    try {
      done = failed.contains(topic) ? done : bring(topic, places);
    } catch (IOException | OutboxError e) {
      failed.add(topic);
      failing = true;
      failure = failure == null ? new Failure(topic, e) : failure;
      obstacles.found(topic, e);
    }
    if (failed.contains(topic)) {
      bytesLeft +=
          places.stream()
              .filter(each -> isLeft(topic, each.sequence()))
              .mapToLong(StagedRecords.Place::bytes)
              .sum();
    }
    if (done < places.size()) {
      first.setValue(places.subList(done, places.size()));
    } else {
      batch.remove(topic);
    }
    if (batch.isEmpty() && failure == null) {
      settle();
    }
    return done;
  }

  /** Somebody may have removed the outbox, and there is another one. */
  private boolean isThere() throws IOException {
    UUID outbox = staging.outbox();
    if (outbox != null && !outbox.equals(walked)) {
      beginAnew();
      brought.clear();
      walked = outbox;
    }
    return outbox != null;
  }

  private void settle() throws IOException {
    failing = true;
    staging.settle(last);
    failing = false;
    first = null;
    bytes = 0;
    forgetBrought();
  }

  private void forgetBrought() {
    brought.values().removeIf(sequence -> sequence <= last.record().sequence());
  }

  /** Whether something failed, and was not done since. */
  boolean isFailing() {
    return failing && !staging.isEmpty();
  }

  /** Whether all that was read is done with. */
  boolean isBetween() {
    return batch.isEmpty();
  }

  private boolean read() throws IOException {
    boolean fromTheFirst = walk == null;
    walk = fromTheFirst ? staging.walk() : walk;
    List<RecordWalk.Found> found = walk.next(AT_ONCE, BYTES_AT_ONCE);
    if (walk.end().orElse(null) instanceof RecordWalk.End.Stopped stopped) {
      throw unreadable(stopped.why());
    }
    if (!walk.isAllRead()) {
      throw unreadable("the disk does not give all of staged/: verify tells more");
    }
    if (found.isEmpty()) {
      if (failure != null) {
        throw leave();
      }
      beginAnew();
      failedWalks = 0;
      pauses = 0;
      if (fromTheFirst) {
        staging.counted();
        giveUp();
      }
      return false;
    }
    long ahead = 0;
    for (int events = 0; !found.isEmpty(); ) {
      ahead += take(found);
      events += found.size();
      boolean isEnough = events >= MOST_AHEAD || ahead >= Staging.MOST_BYTES;
      found = isEnough ? List.of() : further();
    }
    return true;
  }

  /** What comes next, where it can be read; else the next attempt tells why it can't. */
  private List<RecordWalk.Found> further() throws IOException {
    RecordWalk next = walk.copy();
    List<RecordWalk.Found> found = next.next(AT_ONCE, BYTES_AT_ONCE);
    if (found.isEmpty() || !next.isAllRead()) {
      return List.of();
    }
    walk = next;
    return found;
  }

  private long take(List<RecordWalk.Found> found) {
    long before = bytes;
    first = first == null ? found.get(0) : first;
    last = found.get(found.size() - 1);
    for (RecordWalk.Found each : found) {
      batch
          .computeIfAbsent(each.record().topic(), any -> new ArrayList<>())
          .add(StagedRecords.Place.of(each));
      bytes += each.record().length();
    }
    return bytes - before;
  }

  /**
   * All that could be brought was. What could not is tried again the less often the longer that
   * goes on; meanwhile the walk goes on with what comes.
   */
  private IOException leave() {
    IOException told = Obstacles.named(failure.topic(), failed.size() - 1, failure.what());
    if (restaging.isWorthIt(first, last, bytes, bytesLeft)) {
      try {
        restaging.run(this::isLeft, last, bytes);
        forgetBrought();
      } catch (IOException | OutboxError e) {
        told.addSuppressed(e);
      }
      beginAnew();
    } else if (pauses > 0) {
      pauses--;
    } else {
      beginAnew();
      failedWalks++;
      pauses = Math.min(MOST_PAUSES, (1 << Math.min(failedWalks, 30)) - 1);
    }
    return told;
  }

  private boolean isLeft(RecordWalk.Found staged) {
    return isLeft(staged.record().topic(), staged.record().sequence());
  }

  private boolean isLeft(String topic, long sequence) {
    return failed.contains(topic) && sequence > brought.getOrDefault(topic, 0L);
  }

  /** Whether it waits for something else than its turn. */
  boolean hasFailed(String topic) {
    return failed.contains(topic);
  }

  /** All that is there was read, and brought: what is missing has no record any more. */
  private void giveUp() {
    obstacles.forgetAll();
    if (staging.size() == 0) {
      staging.forgetAll(); // one that could not be added is not there
      return;
    }
    LOG.atError()
        .addKeyValue("events", staging.size())
        .addKeyValue("topics", staging.waiting().size())
        .addKeyValue("topic", staging.waiting().keySet().iterator().next())
        .log("events that were parked are damaged or gone in staged/: trace tells which they were");
    staging.forgetAll();
  }

  /** Of which topics that is nobody knows, so nothing behind it may get on before it. */
  private IOException unreadable(String why) {
    beginAnew();
    failing = true;
    return new IOException(why);
  }

  private void beginAnew() {
    walk = null;
    first = null;
    bytes = 0;
    bytesLeft = 0;
    failure = null;
    failed.clear();
    batch.clear();
  }

  /** Brings all of one topic now. */
  void all(String topic) throws IOException {
    List<StagedRecords.Place> places = new ArrayList<>();
    RecordWalk ahead = staging.walk();
    boolean isAll = false;
    while (!isAll && isThere() && staging.of(topic) != null) {
      List<RecordWalk.Found> found = ahead.next(AT_ONCE, BYTES_AT_ONCE);
      long counted = staging.of(topic).events();
      for (RecordWalk.Found each : found) {
        if (each.record().topic().equals(topic)) {
          places.add(StagedRecords.Place.of(each));
        }
      }
      isAll = found.isEmpty(); // whoever brings the rest tells
      if (isAll || places.size() >= Math.min(counted, MOST_AHEAD)) {
        for (int done = 0; done < places.size(); ) {
          done += bring(topic, places.subList(done, places.size()));
        }
        places.clear();
      }
    }
  }

  /** Brings the first of these; returns how many are done with. */
  private int bring(String topic, List<StagedRecords.Place> places) throws IOException {
    long behind = brought.getOrDefault(topic, 0L);
    List<OutboxRecord> some = new ArrayList<>();
    long read = 0;
    int done = 0;
    try (StagedRecords records = new StagedRecords(staging.paths(), walked)) {
      while (done < places.size() && read < BYTES_AT_ONCE && some.size() < AT_ONCE) {
        StagedRecords.Place each = places.get(done);
        if (each.sequence() > behind) {
          some.add(records.read(each));
          read += each.bytes();
        }
        done++;
      }
    }
    bringRead(topic, some);
    return done;
  }

  private void bringRead(String topic, List<OutboxRecord> staged) throws IOException {
    List<Staged> events = new ArrayList<>();
    for (OutboxRecord each : staged) {
      Source source = Source.of(each);
      if (source != null) {
        KeptOutbox.Event event = new KeptOutbox.Event(Source.asAppended(each), source);
        events.add(new Staged(event, staging.isLost(each, source)));
      }
    }
    if (!events.isEmpty()) {
      target.bring(topic, once(events));
      staging.brought(topic, events);
      brought.put(topic, staged.get(staged.size() - 1).sequence());
      if (staging.of(topic) == null) {
        obstacles.gone(topic);
      }
    }
  }

  /**
   * What a failed sync or a power cut has had staged once more may stand there in part, behind or
   * before what else came, and what an earlier run has staged before what its topic's own outbox
   * did not take: then the order is that of the queue from which they are.
   */
  private static List<Staged> once(List<Staged> events) {
    Map<List<Object>, Staged> distinct = new LinkedHashMap<>();
    events.forEach(
        each ->
            distinct.putIfAbsent(
                List.of(each.event().source(), each.event().original().eventId()), each));
    Map<List<Object>, List<Staged>> byQueue = new LinkedHashMap<>();
    Map<List<Object>, Long> last = new HashMap<>();
    boolean isInOrder = true;
    for (Staged each : distinct.values()) {
      Source source = each.event().source();
      List<Object> queue = List.of(source.outbox(), source.generation(), each.isLost());
      byQueue.computeIfAbsent(queue, any -> new ArrayList<>()).add(each);
      Long before = last.put(queue, source.sequence());
      isInOrder &= before == null || before <= source.sequence();
    }
    if (isInOrder) {
      return List.copyOf(distinct.values());
    }
    List<Staged> inOrder = new ArrayList<>();
    for (List<Staged> each : byQueue.values()) {
      each.sort(Comparator.comparingLong(staged -> staged.event().source().sequence()));
      inOrder.addAll(each);
    }
    return inOrder;
  }
}
