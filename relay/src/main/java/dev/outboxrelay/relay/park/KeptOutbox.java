package dev.outboxrelay.relay.park;

import dev.outboxrelay.client.OutboxBusy;
import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.Receipt;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.client.writing.QueueMaintenance;
import dev.outboxrelay.client.writing.QueueWriter;
import dev.outboxrelay.client.writing.WriterOptions;
import dev.outboxrelay.relay.sync.CycleSyncException;
import dev.outboxrelay.relay.tail.Source;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.function.Predicate;

/**
 * An outbox of the relay's own that events are moved to: keeps them in mind until they are on
 * stable storage, and adds once more what the disk has not taken. For one thread.
 */
final class KeptOutbox {
  private static final long NONE = -1;

  private final Place place;
  private final ParkedSync files;

  /** Asked for since the last sync, in their order. */
  private final List<Asked> unsynced = new ArrayList<>();

  private QueueWriter writer; // null until it is needed
  private QueueMaintenance maintenance; // null unless a cycle could not be marked
  private final Object appending = new Object();
  private UUID identity; // of the outbox that was written to last: a removed one is made anew
  private long failedCycle = NONE; // what was in it is being added again
  private boolean unmarked; // writers still append to it
  private int again; // how many were

  /** Where it is, and what is known of it. */
  interface Place {
    OutboxPaths paths();

    WriterOptions options();

    /** Sees to it that it can be made. */
    void make() throws IOException;

    /** What is appended for an event. */
    OutboxEvent copy(Event event);

    /** It was appended. */
    void appended(Receipt receipt, Event event);

    /** One that could not be appended may be there all the same. */
    void unsure();

    /** What a cycle holds, also of an earlier run, may not get onto stable storage. */
    void gaveUp();
  }

  /** What nothing may be appended meanwhile. */
  interface Alone {
    boolean run() throws IOException;
  }

  /** What is to be here. */
  interface Asked {
    /** The event, and of which it is. */
    Event event() throws IOException;
  }

  record Event(OutboxRecord original, Source source) {}

  /** Opens nothing yet. */
  KeptOutbox(Place place, WriterOptions like) {
    this.place = place;
    files = new ParkedSync(like.disk());
  }

  /** Comes before anything is looked for here, or added. */
  void begin() throws IOException {
    addAgain();
    if (unsynced.isEmpty()) {
      files.begin(place.paths());
    }
  }

  /** Adds an event behind all others. */
  void add(Asked asked) throws IOException {
    append(asked);
    unsynced.add(asked);
  }

  /** It is here already, but may not be on stable storage. */
  void find(Asked asked) {
    unsynced.add(asked);
  }

  /** What was asked for since the last sync, in order. */
  List<Asked> unsynced() {
    return List.copyOf(unsynced);
  }

  /** These are safe elsewhere: no sync is about them any more. */
  void forget(Predicate<Asked> safe) {
    List<Asked> added = unsynced.subList(0, Math.min(again, unsynced.size()));
    again = added.size() - (int) added.stream().filter(safe).count();
    unsynced.removeIf(safe);
  }

  /** Mends what a failed write has left, as the next append would. */
  void mend() throws IOException {
    QueueWriter.open(place.options()).close();
  }

  /** Does something while nothing is appended here. From any thread. */
  boolean alone(Alone work) throws IOException {
    synchronized (appending) {
      return work.run();
    }
  }

  private void append(Asked asked) throws IOException {
    Event event = asked.event();
    synchronized (appending) {
      append(event);
    }
  }

  private void append(Event event) throws IOException {
    try {
      if (writer == null) {
        place.make();
        WriterOptions options = place.options();
        writer = QueueWriter.open(options.withDisk(new SyncedAfterwards(options.disk())));
        if (unsynced.isEmpty()) {
          files.begin(place.paths()); // what it has found to be damaged failed before
        }
      }
      Receipt receipt = writer.append(place.copy(event));
      if (identity != null && !identity.equals(receipt.outbox())) {
        files.beginAnew();
      }
      identity = receipt.outbox();
      place.appended(receipt, event);
    } catch (OutboxBusy e) {
      throw e;
    } catch (IOException | RuntimeException | Error e) {
      place.unsure();
      letGo();
      throw e;
    }
  }

  /** Whether all that was added is on stable storage. */
  boolean isSynced() {
    return unsynced.isEmpty();
  }

  /** Whether its name was on stable storage when it was synced. */
  boolean isNamed() {
    return files.isNamed();
  }

  /** As {@link dev.outboxrelay.relay.settle.ParkedStore#sync}, when its name is safe. */
  void sync() throws IOException {
    addAgain();
    OutboxPaths paths = place.paths();
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
  }

  private void giveUp(long cycle, boolean isUnmarked) {
    failedCycle = cycle;
    place.gaveUp();
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
      maintenance = new QueueMaintenance(place.options());
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
