package dev.outboxrelay.relay.park;

import dev.outboxrelay.client.OutboxBusy;
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
import dev.outboxrelay.client.writing.QueueWriter;
import dev.outboxrelay.client.writing.WriterOptions;
import dev.outboxrelay.relay.deliver.InFlight;
import dev.outboxrelay.relay.settle.Originals;
import dev.outboxrelay.relay.sync.CycleSyncException;
import dev.outboxrelay.relay.tail.Source;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.function.Predicate;

/**
 * The outbox of one parked topic: adds events, once each, and keeps them in mind until they are on
 * stable storage. For one thread, but for {@link #holding}.
 */
final class ParkedOutbox {
  /** Positions wait behind it. */
  private static final Duration LOCK_TIMEOUT = Duration.ofSeconds(1);

  private static final long NONE = -1;

  private final String topic;
  private final Origin origin;
  private final ParkedDirectory directory;
  private final WriterOptions like;
  private final Holding holding = new Holding();
  private final ParkedSync files;

  /** Asked for since the last sync, in their order. */
  private final List<Asked> unsynced = new ArrayList<>();

  private QueueWriter writer; // null until it is needed
  private QueueMaintenance maintenance; // null unless a cycle could not be marked
  private UUID identity; // of the outbox that was written to last: a removed one is made anew
  private InFlight last; // that is here for sure; null until there is one
  private long lastFound; // of the one in the last record that the files hold, 0 if none is known
  private ParkedBefore.Found found; // null until it is needed
  private boolean looked = true; // for that one; a new outbox has none
  private long failedCycle = NONE; // what was in it is being added again
  private boolean unmarked; // writers still append to it
  private int again; // how many were
  private volatile long lastParked;

  /**
   * Where the events come from.
   *
   * @param outbox the main outbox
   * @param settled its position at the start: what is at or below it never comes again
   * @param originals what stands in its queue
   */
  record Origin(OutboxIdentity outbox, long settled, Originals originals) {}

  /** What is to be here. */
  private interface Asked {
    /** The event, and of which it is. */
    Event event() throws IOException;
  }

  private record Event(OutboxRecord original, Source source) {}

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
    files = new ParkedSync(like.disk());
  }

  String topic() {
    return topic;
  }

  Holding holding() {
    return holding;
  }

  /** As {@link dev.outboxrelay.relay.settle.ParkedStore#lastParked}. From any thread. */
  long lastParked() {
    return lastParked;
  }

  OutboxPaths paths() {
    return directory.outbox(topic);
  }

  WriterOptions options() {
    return WriterOptions.parked(paths())
        .withLockTimeout(LOCK_TIMEOUT)
        .withTrustParent(like.trustParent())
        .withRollBytes(like.rollBytes())
        .withDisk(like.disk())
        .withClock(like.clock())
        .withRandom(like.random());
  }

  /**
   * Finds out what an earlier relay has left here. What a crash has left is mended.
   *
   * @throws OutboxError if it can't be told; then it counts as something that waits
   */
  void find() throws IOException {
    holding.unknown();
    looked = false;
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
    lastFound = before.lastSequence(newest);
    lastParked = Math.max(lastParked, lastFound);
    found = null;
    looked = true;
    return newest;
  }

  /** As {@link dev.outboxrelay.relay.settle.ParkedStore#add}. */
  boolean add(InFlight record) throws IOException {
    addAgain();
    if (last != null && !isBehind(record, last)) {
      return false; // a rewind asks again
    }
    begin();
    Asked asked = () -> original(record);
    boolean isNew = !isThere(record);
    if (isNew) {
      append(asked);
    }
    last = record;
    lastParked = Math.max(lastParked, record.sequence()); // behind what was appended
    unsynced.add(asked);
    return isNew;
  }

  /** Adds an event that was given up before; to have it here once is up to the caller. */
  void replay(OutboxRecord original, Source source) throws IOException {
    addAgain();
    begin();
    Asked asked = () -> new Event(original, source);
    append(asked);
    unsynced.add(asked);
  }

  /** Of these dead letters, those that are here already; the next sync is about them, too. */
  Set<Source> replays(Predicate<Source.Letter> letters) throws IOException {
    mend();
    begin();
    return new ParkedBefore(paths(), origin.outbox()).replays(letters);
  }

  /** Mends what a failed write has left, as the next append would. */
  void mend() throws IOException {
    if (SafeFiles.attributes(paths().root()) != null) {
      QueueWriter.open(options()).close();
    }
  }

  private void begin() throws IOException {
    if (unsynced.isEmpty()) {
      files.begin(paths());
    }
  }

  /** By their places, as a restored volume may give a sequence twice. */
  private static boolean isBehind(InFlight one, InFlight other) {
    return one.cycle() > other.cycle()
        || (one.cycle() == other.cycle() && one.offset() > other.offset());
  }

  private boolean isThere(InFlight record) throws IOException {
    if (!looked) {
      var unused = lookForLast();
    }
    if (record.sequence() > lastFound) {
      return false;
    }
    if (found == null) {
      long settled = Math.max(origin.settled(), last == null ? 0 : last.sequence());
      found = new ParkedBefore(paths(), origin.outbox()).above(settled);
    }
    if (found.contains(record.sequence(), record.eventId())) {
      return true;
    }
    // A power cut took it, so nothing behind it was settled either: all of that comes once more, in
    // order.
    lastFound = 0;
    found = null;
    return false;
  }

  private Event original(InFlight record) throws IOException {
    byte[] bytes = origin.originals().read(record);
    OutboxRecord original =
        RecordCodec.decode(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN));
    OutboxIdentity outbox = origin.outbox();
    return new Event(
        original,
        new Source(
            outbox.outbox(), outbox.generation(), original.sequence(), original.appendTime()));
  }

  private void append(Asked asked) throws IOException {
    Event event = asked.event();
    try {
      if (writer == null) {
        directory.make();
        writer = QueueWriter.open(options().withDisk(new SyncedAfterwards(like.disk())));
        if (unsynced.isEmpty()) {
          files.begin(paths()); // what it has found to be damaged failed before
        }
      }
      Receipt receipt = writer.append(parked(event));
      if (identity != null && !identity.equals(receipt.outbox())) {
        files.beginAnew();
      }
      identity = receipt.outbox();
      holding.appended(
          receipt.outbox(),
          receipt.sequence(),
          !event.source().isReplay(),
          event.source().appendMillis());
    } catch (OutboxBusy e) {
      throw e;
    } catch (IOException | RuntimeException | Error e) {
      looked = false; // it may be there all the same
      holding.unsure();
      letGo();
      throw e;
    }
  }

  private OutboxEvent parked(Event event) {
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

  /** Whether its name was on stable storage when it was synced. */
  boolean isNamed() {
    return files.isNamed();
  }

  /** As {@link dev.outboxrelay.relay.settle.ParkedStore#sync}, when its name is safe. */
  void sync() throws IOException {
    addAgain();
    OutboxPaths paths = paths();
    long failed = files.failedSince(paths);
    if (failed != NONE) {
      giveUp(failed, false);
      addAgain();
    }
    try {
      files.sync(paths);
    } catch (CycleSyncException e) {
      giveUp(e.cycle(), true);
      try {
        addAgain();
      } catch (IOException | OutboxError alsoFailed) {
        e.addSuppressed(alsoFailed);
      }
      throw e;
    }
    unsynced.clear();
    try {
      holding.look(paths);
    } catch (OutboxError e) {
      // All of it is safe; only its size is not known.
    }
  }

  private void giveUp(long cycle, boolean isUnmarked) {
    failedCycle = cycle;
    unmarked = isUnmarked;
    again = 0;
  }

  /**
   * Adds once more what the disk may not have taken: a second sync of the same cycle could succeed
   * without it.
   */
  private void addAgain() throws IOException {
    if (failedCycle == NONE) {
      return;
    }
    if (unmarked) {
      mark();
    }
    while (again < unsynced.size()) {
      append(unsynced.get(again));
      again++;
    }
    files.startBehind(failedCycle);
    failedCycle = NONE;
  }

  private void mark() throws IOException {
    if (maintenance == null) {
      maintenance = new QueueMaintenance(options());
    }
    maintenance.markFailed(failedCycle);
    unmarked = false;
    maintenance.close();
    maintenance = null;
  }

  /** Holds no descriptor until it is asked for something. */
  void letGo() throws IOException {
    try (files;
        QueueWriter openWriter = writer;
        QueueMaintenance openMaintenance = maintenance) {
      writer = null;
      maintenance = null;
    }
  }
}
