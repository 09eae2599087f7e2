package dev.outboxrelay.relay.park;

import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.OutboxUnavailable;
import dev.outboxrelay.client.Receipt;
import dev.outboxrelay.client.disk.OwnDescriptors;
import dev.outboxrelay.client.disk.SafeFiles;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.client.record.RecordCodec;
import dev.outboxrelay.client.writing.QueueMaintenance;
import dev.outboxrelay.client.writing.WriterOptions;
import dev.outboxrelay.relay.deliver.InFlight;
import dev.outboxrelay.relay.settle.Originals;
import dev.outboxrelay.relay.tail.Source;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.function.Predicate;

/**
 * The outbox of one parked topic: adds events, once each. For one thread, but for {@link #holding}.
 */
final class ParkedOutbox implements KeptOutbox.Place {
  /** Positions wait behind it. */
  static final Duration LOCK_TIMEOUT = Duration.ofSeconds(1);

  private final String topic;
  private final Origin origin;
  private final ParkedDirectory directory;
  private final WriterOptions like;
  private final Holding holding = new Holding();
  private final KeptOutbox kept;

  private InFlight last; // that was asked for last; null if none was
  private long lastAdded; // of those, the last one that is here, 0 if none is
  private long lastFound; // of the one in the last record that the files hold, 0 if none is known
  private ParkedBefore.Found found; // null until it is needed
  private long foundAbove; // what is at or below this is not in it
  private boolean looked = true; // for that one; a new outbox has none
  private volatile long lastParked;
  private boolean knowsLeft = true; // a new outbox holds nothing
  private volatile long left;

  /**
   * Where the events come from.
   *
   * @param outbox the main outbox
   * @param settled its position at the start: what is at or below it never comes again
   * @param originals what stands in its queue
   */
  record Origin(OutboxIdentity outbox, long settled, Originals originals) {
    /** What is parked for a record. */
    KeptOutbox.Event event(InFlight record) throws IOException {
      byte[] bytes = originals.read(record);
      OutboxRecord original =
          RecordCodec.decode(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN));
      return new KeptOutbox.Event(
          original,
          new Source(
              outbox.outbox(), outbox.generation(), original.sequence(), original.appendTime()));
    }
  }

  /** What a position of the main outbox waits for. */
  private record FromQueue(InFlight record, Origin origin) implements KeptOutbox.Asked {
    @Override
    public KeptOutbox.Event event() throws IOException {
      return origin.event(record);
    }
  }

  /** What is staged until it is safe here. */
  private record Brought(KeptOutbox.Event event) implements KeptOutbox.Asked {}

  /** What is a dead letter until it is safe here. */
  private record Replayed(KeptOutbox.Event event) implements KeptOutbox.Asked {}

  /** Where events are safe. */
  interface Elsewhere {
    void add(InFlight record) throws IOException;
  }

  /**
   * Opens nothing yet.
   *
   * @param like the options of the main outbox
   */
  ParkedOutbox(String topic, Origin origin, ParkedDirectory directory, WriterOptions like) {
    this.topic = topic;
    this.origin = origin;
    this.directory = directory;
    this.like = like;
    kept = new KeptOutbox(this, like);
  }

  String topic() {
    return topic;
  }

  Holding holding() {
    return holding;
  }

  /** The last sequence here that an earlier run has left. From any thread. */
  long left() {
    return left;
  }

  /** As {@link dev.outboxrelay.relay.settle.ParkedStore#lastParked}. From any thread. */
  long lastParked() {
    return lastParked;
  }

  @Override
  public OutboxPaths paths() {
    return directory.outbox(topic);
  }

  @Override
  public WriterOptions options() {
    return WriterOptions.parked(paths())
        .withLockTimeout(LOCK_TIMEOUT)
        .withTrustParent(like.trustParent())
        .withRollBytes(like.rollBytes())
        .withDisk(like.disk())
        .withClock(like.clock())
        .withRandom(like.random());
  }

  @Override
  public void make() throws IOException {
    directory.make();
  }

  /**
   * Finds out what an earlier relay has left here. What a crash has left is mended.
   *
   * @throws OutboxError if it can't be told; then it counts as something that waits
   */
  void find() throws IOException {
    holding.unknown();
    looked = false;
    knowsLeft = false;
    OutboxPaths paths = paths();
    SafeFiles.Attributes root = SafeFiles.attributes(paths.root());
    if (root == null || !root.directory()) {
      throw new OutboxUnavailable(
          OwnDescriptors.nameOf(paths.root())
              + " is no directory (perhaps a symbolic link): give the real one, or remove it");
    }
    try {
      holding.look(paths);
    } catch (OutboxUnavailable e) {
      try (QueueMaintenance queue = new QueueMaintenance(options())) {
        queue.mend();
      }
      holding.look(paths);
    }
    findOrder(paths);
    if (!holding.topic().keepsOrder()) {
      OutboxRecord newest = lookForLast(); // of which a state that a power cut left may not know
      if (newest != null) {
        holding.found(newest.sequence());
      }
    }
    left = holding.topic().appendedSequence();
    knowsLeft = true;
  }

  /** Which is the last that others wait for; where it can't be told, that is the last of all. */
  private void findOrder(OutboxPaths paths) {
    try {
      new ParkedBefore(paths, origin.outbox()).lastInOrder().ifPresent(holding::ordered);
    } catch (IOException | OutboxError e) {
      // Who reads all of it tells.
    }
  }

  private OutboxRecord lookForLast() throws IOException {
    ParkedBefore before = new ParkedBefore(paths(), origin.outbox());
    OutboxRecord newest = before.last();
    if (!knowsLeft) {
      left = newest == null ? 0 : newest.sequence(); // nothing was added in this run yet
      knowsLeft = true;
    }
    lastFound = before.lastSequence(newest);
    lastParked = Math.max(lastParked, lastFound);
    found = null;
    looked = true;
    return newest;
  }

  /** Whether it was asked for in this run already: a rewind asks again. */
  boolean isAsked(InFlight record) {
    return last != null && !isBehind(record, last);
  }

  /** Whether an earlier run has left it here. */
  boolean has(InFlight record) throws IOException {
    if (looked && record.sequence() > lastFound) {
      return false;
    }
    kept.begin();
    boolean isHere = isThere(record.sequence(), record.eventId());
    if (isHere) {
      kept.find(new FromQueue(record, origin));
    }
    return isHere;
  }

  /** It was asked for, and is staged. */
  void staged(InFlight record) {
    last = record;
    lastParked = Math.max(lastParked, record.sequence());
  }

  /** An earlier run has staged the event with this sequence. */
  void wasStaged(long sequence) {
    lastParked = Math.max(lastParked, sequence);
  }

  /**
   * As {@link dev.outboxrelay.relay.settle.ParkedStore#add}, for what was not asked for in this
   * run.
   */
  boolean add(InFlight record) throws IOException {
    kept.begin();
    boolean isNew = !isThere(record.sequence(), record.eventId());
    take(new FromQueue(record, origin), isNew, record.sequence());
    last = record;
    lastParked = Math.max(lastParked, record.sequence()); // behind what was appended
    return isNew;
  }

  /** Whether any of these may have been added in this run already. */
  boolean mayHave(List<Bringing.Staged> events) {
    return events.stream()
        .map(staged -> staged.event().source())
        .anyMatch(source -> source.isOf(origin.outbox()) && source.sequence() <= lastAdded);
  }

  /** Those behind this one may have been added in this run, before it. */
  void lookForLater(InFlight record) throws IOException {
    if (looked && lastFound < record.sequence() && record.sequence() <= lastAdded) {
      lookAgain();
    }
  }

  /** What was added in this run may come again. */
  void lookAgain() throws IOException {
    looked = SafeFiles.attributes(paths().root()) == null;
  }

  /** Adds an event that was staged, unless it is here already. */
  void bring(Bringing.Staged staged) throws IOException {
    kept.begin();
    OutboxRecord original = staged.event().original();
    Source source = staged.event().source();
    boolean isOurs = source.isOf(origin.outbox());
    boolean isHere =
        isOurs
            ? isThere(source.sequence(), original.eventId())
            : wasBrought(source, original.eventId());
    Source asKept = staged.isLost() ? source.ofNobody() : source;
    isHere = isHere || (staged.isLost() && wasBrought(asKept, original.eventId()));
    isHere = isHere || (source.isOfNobody() && wasBrought(ofMain(source), original.eventId()));
    KeptOutbox.Event event = new KeptOutbox.Event(original, asKept);
    take(new Brought(event), !isHere, isOurs ? source.sequence() : 0);
  }

  /** As it was before its outbox lost it. */
  private Source ofMain(Source lost) {
    return new Source(
        origin.outbox().outbox(), lost.generation(), lost.sequence(), lost.appendMillis());
  }

  private void take(KeptOutbox.Asked asked, boolean isNew, long sequence) throws IOException {
    if (isNew) {
      kept.add(asked);
    } else {
      kept.find(asked);
    }
    lastAdded = Math.max(lastAdded, sequence);
  }

  /** Adds an event that was given up before; to have it here once is up to the caller. */
  void replay(OutboxRecord original, Source source) throws IOException {
    kept.begin();
    kept.add(new Replayed(new KeptOutbox.Event(original, source)));
  }

  /** Of these dead letters, those that are here already; the next sync is about them, too. */
  Set<Source> replays(Predicate<Source.Letter> letters) throws IOException {
    mend();
    kept.begin();
    return new ParkedBefore(paths(), origin.outbox()).replays(letters);
  }

  /** Mends what a failed write has left, as the next append would. */
  void mend() throws IOException {
    if (SafeFiles.attributes(paths().root()) != null) {
      kept.mend();
    }
  }

  /** By their places, as a restored volume may give a sequence twice. */
  private static boolean isBehind(InFlight one, InFlight other) {
    return one.cycle() > other.cycle()
        || (one.cycle() == other.cycle() && one.offset() > other.offset());
  }

  private boolean isThere(long sequence, UUID eventId) throws IOException {
    if (!looked) {
      var unused = lookForLast();
    }
    if (sequence > lastFound) {
      return false;
    }
    if (found == null || sequence <= foundAbove) {
      // What was staged is asked for though the main position covers it.
      foundAbove = Math.min(Math.max(origin.settled(), lastAdded), sequence - 1);
      found = new ParkedBefore(paths(), origin.outbox()).above(foundAbove);
    }
    if (found.contains(sequence, eventId)) {
      return true;
    }
    // A power cut took it, so nothing behind it was settled either: all of that comes once more, in
    // order.
    lastFound = 0;
    found = null;
    return false;
  }

  /** The same for an event of an outbox that was here before this one, or its generation. */
  private boolean wasBrought(Source source, UUID eventId) throws IOException {
    if (SafeFiles.attributes(paths().root()) == null) {
      return false;
    }
    ParkedBefore before =
        new ParkedBefore(paths(), new OutboxIdentity(source.outbox(), source.generation()));
    return before.above(source.sequence() - 1).contains(source.sequence(), eventId);
  }

  @Override
  public OutboxEvent copy(KeptOutbox.Event event) {
    return copy(event, topic);
  }

  /** The original with one more header, for a topic. */
  static OutboxEvent copy(KeptOutbox.Event event, String topic) {
    OutboxRecord original = event.original();
    OutboxEvent.Builder parked =
        OutboxEvent.builder(topic)
            .key(original.key())
            .value(original.value())
            .headers(original.headers())
            .headers(List.of(event.source().header()))
            .eventId(original.eventId())
            .timestamp(original.timestamp());
    return original.partition() == null
        ? parked.build()
        : parked.partition(original.partition()).build();
  }

  @Override
  public void appended(Receipt receipt, KeptOutbox.Event event) {
    holding.appended(
        receipt.outbox(),
        receipt.sequence(),
        !event.source().isReplay(),
        event.source().appendMillis());
  }

  @Override
  public void unsure() {
    looked = false;
    holding.unsure();
  }

  @Override
  public void gaveUp() {
    // What was in the cycle and is settled was delivered from there; all else is added again.
  }

  /** Whether its name was on stable storage when it was synced. */
  boolean isNamed() {
    return kept.isNamed();
  }

  /** As {@link dev.outboxrelay.relay.settle.ParkedStore#sync}, when its name is safe. */
  void sync() throws IOException {
    kept.sync();
    try {
      holding.look(paths());
    } catch (OutboxError e) {
      // All of it is safe; only its size is not known.
    }
  }

  /** Whether a position of the main outbox waits for a sync of this one. */
  boolean holdsPositions() {
    return kept.unsynced().stream().anyMatch(FromQueue.class::isInstance);
  }

  /** Whether a sync would be about anything. */
  boolean isSynced() {
    return kept.isSynced();
  }

  /**
   * Makes safe elsewhere what positions wait for, in its order: from now on they wait for no sync
   * of this outbox, though it may have all of it.
   */
  void leaveTo(Elsewhere elsewhere) throws IOException {
    Set<KeptOutbox.Asked> safe = Collections.newSetFromMap(new IdentityHashMap<>());
    try {
      for (KeptOutbox.Asked each : kept.unsynced()) {
        if (each instanceof FromQueue event) {
          elsewhere.add(event.record());
          safe.add(each);
        }
      }
    } finally {
      kept.forget(safe::contains);
    }
  }

  /** What could not be brought is staged still, and looked for here when it comes again. */
  void forgetBrought() {
    kept.forget(Brought.class::isInstance);
  }

  /** As {@link dev.outboxrelay.relay.settle.ParkedStore#repeatLast}. From any thread. */
  boolean repeatLast() throws IOException {
    return kept.alone(
        () ->
            LastRecord.repeat(
                paths(), options(), origin.outbox(), holding.topic().appendedSequence()));
  }

  /** Holds no descriptor until it is asked for something. */
  void letGo() throws IOException {
    kept.letGo();
  }
}
