package dev.outboxrelay.client.writing;

import dev.outboxrelay.client.Durability;
import dev.outboxrelay.client.OutboxCorrupt;
import dev.outboxrelay.client.OutboxFull;
import dev.outboxrelay.client.OutboxUnavailable;
import dev.outboxrelay.client.cycle.ChainWalk;
import dev.outboxrelay.client.cycle.CycleLayout;
import dev.outboxrelay.client.cycle.CycleName;
import dev.outboxrelay.client.files.CycleFacts;
import dev.outboxrelay.client.files.MetadataTable;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutboxState;
import dev.outboxrelay.client.files.Position;
import dev.outboxrelay.client.files.PositionFile;
import dev.outboxrelay.client.files.StateFile;
import dev.outboxrelay.client.lock.LockDeadline;
import dev.outboxrelay.client.record.CycleId;
import dev.outboxrelay.client.record.Prologue;
import dev.outboxrelay.client.record.RecordDraft;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * What a writer keeps open between appends: the state and the newest cycle. Used only under the
 * writers' lock; thrown away after any error, as {@link Recovery} opens a new one in the same way
 * as after a crash.
 */
final class WriterSession implements Closeable {
  private static final System.Logger LOG = System.getLogger(WriterSession.class.getPackageName());
  private static final long MILLIS_PER_HOUR = 3_600_000;

  private final WriterOptions options;
  private final OutboxPaths paths;
  private final StateFile state;
  private final boolean sequenceRebuilt;
  private long newest;
  private OutboxState.NewestCycle newestCycle; // null while there is none
  private CycleFile file; // null while there is none, or it cannot be parsed, or was deleted
  private long settledBytes;

  /**
   * @param sequenceRebuilt the state's next sequence was lost and comes from elsewhere, so it tells
   *     nothing of the chain
   */
  WriterSession(
      WriterOptions options,
      StateFile state,
      long newest,
      CycleFile file,
      boolean sequenceRebuilt) {
    this.options = options;
    this.paths = options.paths();
    this.state = state;
    this.newest = newest;
    this.file = file;
    this.sequenceRebuilt = sequenceRebuilt;
    newestCycle = state.newest().orElse(null);
  }

  /** A record that was published, and in which file. */
  record Published(UUID outbox, int generation, long sequence, CycleFile file) {}

  static long hourOf(long millis) {
    return Math.floorDiv(millis, MILLIS_PER_HOUR);
  }

  /** Whether all that is kept open is still what the paths lead to. */
  boolean isInPlace() throws IOException {
    if (!state.hasItsLength() || state.nextSequence() == 0) {
      return false;
    }
    if (file == null) {
      return newest == RollRule.NONE && state.newest().isEmpty();
    }
    return state.isNewest(newest) && file.isInPlace();
  }

  /**
   * Which cycle a record of this length goes to at this time: the newest, or one to begin. Books
   * what writers that died had published, and marks a cycle as failed that nobody may append to.
   */
  long cycleFor(int length, long nowMillis) throws IOException {
    boolean open = file != null && chainIsOpen() && !state.isFailed(newest);
    boolean hasRoom = open && file.hasRoom(length, options.rollBytes());
    long hour = hourOf(nowMillis);
    long cycleHour = newestCycle == null ? hour : newestCycle.cycleHour();
    return RollRule.cycleFor(hour, newest, cycleHour, open, hasRoom);
  }

  StateFile state() {
    return state;
  }

  long newest() {
    return newest;
  }

  /** Opens a cycle of this outbox; empty if its header cannot be parsed. */
  Optional<CycleFile> openCycle(long cycle) throws IOException {
    return CycleFile.open(paths, new CycleId(state.outboxId(), cycle), options.disk());
  }

  private boolean chainIsOpen() throws IOException {
    if (file.tailIsKnown()) {
      return true;
    }
    ChainWalk.End end = file.findTail(state);
    if (file.lastSequence() == 0) {
      List<Long> cycles = paths.cycles();
      cycles.removeIf(cycle -> cycle >= newest);
      state.giveBehind(CycleFacts.lastSequence(paths, cycles, state.outboxId()));
    }
    if (end == ChainWalk.End.OPEN
        && !state.isFailed(newest)
        && !sequenceRebuilt
        && recordsAreMissing()) {
      end = ChainWalk.End.BROKEN;
    }
    if (end == ChainWalk.End.BROKEN && !state.isFailed(newest)) {
      LOG.log(
          System.Logger.Level.WARNING,
          "the newest cycle is damaged and is left as it is; appends go on in the next one "
              + "path={0} offset={1}",
          file.path(),
          String.valueOf(file.end()));
      // Before the mark, as nobody looks into a failed cycle again.
      state.giveBehind(CycleFacts.lastSequence(paths, paths.cycles(), state.outboxId()));
      state.markFailed(newest);
    }
    return end == ChainWalk.End.OPEN;
  }

  /**
   * Whether the state knows of records that the chain does not reach: a power cut, and newer pages
   * may be there.
   */
  private boolean recordsAreMissing() throws IOException {
    long next = state.nextSequence();
    if (file.lastSequence() > 0) {
      return next > file.lastSequence() + 1;
    }
    List<Long> cycles = paths.cycles();
    int before = cycles.indexOf(newest) - 1;
    long lastBefore =
        before < 0
            ? 0
            : CycleFacts.read(paths.cycle(cycles.get(before)), state.outboxId()).lastSequence();
    return next > lastBefore + 1 && file.holdsRecordsBehindEnd();
  }

  /** Closes the newest cycle and begins another. */
  void begin(long cycle, long nowMillis) throws IOException {
    if (cycle > CycleName.LAST_CYCLE) {
      throw new OutboxCorrupt(
          paths.root()
              + " has used up all cycles up to the year 9999: move it away once it is drained, "
              + "and begin a new one");
    }
    if (cycle < 0) {
      throw new OutboxUnavailable("the clock stands before 1970: set it");
    }
    if (file != null && file.tailIsKnown() && !state.isFailed(newest)) {
      file.writeEof();
    }
    long base = newestCycle == null ? 0 : newestCycle.base();
    if (file != null) {
      base += file.dataBytes();
      file.close();
      file = null;
    }
    file = CycleFile.create(paths, new CycleId(state.outboxId(), cycle), options.disk());
    newest = cycle;
    try (MetadataTable table =
        MetadataTable.openOrRepair(paths.metadata(), paths.cycles(), nowMillis, options.disk())) {
      table.list(paths.cycles());
    }
    newestCycle = new OutboxState.NewestCycle(cycle, base, hourOf(nowMillis));
    state.newest(newestCycle);
  }

  /**
   * Appends a record to the newest cycle, for which {@link #cycleFor} was asked. An exception means
   * that nothing is published.
   */
  Published append(RecordDraft draft, long nowMillis, LockDeadline deadline) throws IOException {
    boolean first = file.entries() == 0;
    int length = draft.length(first);
    checkCap(length);
    file.ensureSpace(length, deadline);
    if (options.durability() == Durability.PROCESS) { // a sync would write what is allocated ahead
      file.allocateAhead(length);
    }
    long sequence = state.nextSequence();
    Prologue prologue =
        first
            ? new Prologue(
                state.outboxId(), state.generation(), newestCycle.base(), newestCycle.cycleHour())
            : null;
    ByteBuffer frame =
        draft.complete(sequence, (int) file.entries(), nowMillis, prologue, file.id(), file.end());
    file.publish(frame, length);
    return new Published(state.outboxId(), state.generation(), sequence, file);
  }

  /** Notes what {@link #append} has published. Whatever this throws, it stays published. */
  void book(RecordDraft draft, long sequence) {
    file.bookPublished(state, draft.length(file.entries() == 0), sequence);
  }

  void markFailed(long cycle) {
    state.markFailed(cycle);
  }

  /**
   * What is appended and not settled, compared with the cap. What is known to be settled only
   * grows.
   */
  private void checkCap(int length) throws IOException {
    if (options.maxBytes() == Long.MAX_VALUE) {
      return;
    }
    long appended =
        newestCycle.base() + CycleLayout.next(file.end(), length) - file.layout().firstData();
    if (appended - settledBytes > options.maxBytes()) {
      settledBytes =
          PositionFile.find(paths.position())
              .filter(position -> position.outboxId().equals(state.outboxId()))
              .map(Position::settledBytes)
              .orElse(0L);
      if (appended - settledBytes > options.maxBytes()) {
        throw new OutboxFull(
            paths.root()
                + " would hold "
                + (appended - settledBytes)
                + " undelivered bytes, its cap is "
                + options.maxBytes()
                + " (OUTBOX_MAX_BYTES): let the relay deliver, or raise the cap");
      }
    }
  }

  @Override
  public void close() throws IOException {
    try {
      state.close();
    } finally {
      if (file != null) {
        file.close();
      }
    }
  }
}
