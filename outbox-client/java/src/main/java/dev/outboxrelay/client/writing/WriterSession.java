package dev.outboxrelay.client.writing;

import dev.outboxrelay.client.Durability;
import dev.outboxrelay.client.OutboxCorrupt;
import dev.outboxrelay.client.cycle.ChainWalk;
import dev.outboxrelay.client.cycle.CycleLayout;
import dev.outboxrelay.client.cycle.CycleName;
import dev.outboxrelay.client.cycle.UnreadableBlock;
import dev.outboxrelay.client.files.MetadataTable;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutboxState.NewestCycle;
import dev.outboxrelay.client.files.Position;
import dev.outboxrelay.client.files.StateFile;
import dev.outboxrelay.client.lock.LockDeadline;
import dev.outboxrelay.client.lock.WritersLock;
import dev.outboxrelay.client.record.CycleId;
import dev.outboxrelay.client.record.Draft;
import dev.outboxrelay.client.record.Invariant;
import dev.outboxrelay.client.record.Prologue;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * What a writer keeps open between appends: the state and the newest cycle. Used only under the
 * writers' lock (FORMAT I3); thrown away after any error, as {@link Recovery} opens a new one in
 * the same way as after a crash.
 */
final class WriterSession implements Closeable {
  private static final System.Logger LOG = System.getLogger(WriterSession.class.getPackageName());

  private final WriterOptions options;
  private final WritersLock lock;
  private final HeldDirectories held;
  private final OutboxPaths paths;
  private final Path stateName;
  private final StateFile state;
  private final Sequences sequences;
  private final Bases bases;
  private final Cap cap;
  private long newest;
  private NewestCycle newestCycle; // null while there is none
  private CycleFile file; // null while there is none, or it cannot be parsed, or was deleted
  private GroupCommit commit; // of that file; null until something is to be synced
  private long nextSequence; // as this writer left it in the state

  /**
   * Takes over what {@link Recovery} has opened.
   *
   * @param held closed with it
   * @param file of the newest cycle, or null
   * @param position of the relay, or null
   */
  WriterSession(
      WriterOptions options,
      WritersLock lock,
      HeldDirectories held,
      StateFile state,
      long newest,
      CycleFile file,
      Position position) {
    this.options = options;
    this.lock = lock;
    this.held = held;
    paths = held.paths();
    stateName = held.named().state();
    this.state = state;
    this.newest = newest;
    this.file = file;
    cap = new Cap(paths, state.outboxId(), options.maxBytes(), position);
    sequences = new Sequences(paths, state, position == null ? 0 : position.sequence());
    bases = new Bases(paths, state, cap.settledBytes());
  }

  /** The disk of a cycle fails; the append may go on in the next one. */
  static final class CycleFailed extends IOException {
    private static final long serialVersionUID = 1L;

    CycleFailed(IOException cause) {
      super(cause.getMessage(), cause);
    }
  }

  /**
   * Finds the tail of the newest cycle, what it says of itself, and the next sequence.
   *
   * @param cycles whose files exist
   */
  void findTail(List<Long> cycles, long nowMillis) throws IOException {
    boolean exists = cycles.contains(newest);
    if (!exists || state.isFailed(newest)) {
      sequences.giveBehindAll(exists);
    } else if (file == null) {
      fail(0);
    } else {
      chainIsOpen();
    }
    nextSequence = state.nextSequence();
    if (newest == RollRule.NONE) {
      return;
    }
    Prologue prologue = file == null ? null : file.prologue();
    newestCycle = bases.newest(newest, prologue, RollRule.hour(nowMillis));
    if (!newestCycle.says(state.newest().orElse(null))) {
      state.newest(newestCycle);
    }
  }

  /** Whether all that is kept open is still what the paths lead to. */
  boolean isInPlace() throws IOException {
    if (!state.isAt(stateName)) {
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
    boolean open = file != null && !state.isFailed(newest) && chainIsOpen();
    boolean hasRoom = open && file.hasRoom(length, options.rollBytes());
    long hour = RollRule.hour(nowMillis);
    long cycleHour = newestCycle == null ? hour : newestCycle.cycleHour();
    return RollRule.cycleFor(hour, newest, cycleHour, open, hasRoom);
  }

  /** Of what it holds. */
  OutboxPaths paths() {
    return paths;
  }

  StateFile state() {
    return state;
  }

  long newest() {
    return newest;
  }

  /** Opens a cycle of this outbox; empty if its header cannot be parsed. */
  Optional<CycleFile> openCycle(long cycle) throws IOException {
    return CycleFile.open(held, new CycleId(state.outboxId(), cycle), options.disk());
  }

  private boolean chainIsOpen() throws IOException {
    if (file.tailIsKnown() && state.nextSequence() == nextSequence) {
      return true;
    }
    ChainWalk.End end = file.findTail(state);
    boolean failed = end == ChainWalk.End.BROKEN || sequences.areLost(newest, file.lastSequence());
    if (failed) {
      fail(file.end());
    }
    nextSequence = state.nextSequence();
    return end == ChainWalk.End.OPEN && !failed;
  }

  private void fail(long offset) throws IOException {
    LOG.log(
        System.Logger.Level.WARNING,
        "the newest cycle is damaged and is left as it is; appends go on in the next one "
            + "path={0} offset={1}",
        held.named().cycle(newest),
        String.valueOf(offset));
    sequences.giveBehindFailed(newest);
    state.markFailed(newest);
    nextSequence = state.nextSequence();
  }

  /**
   * Closes the newest cycle and begins another, for a draft. A draft that is refused changes
   * nothing.
   *
   * @return false if somebody else has begun it: then look again
   */
  boolean begin(long cycle, Draft draft, long nowMillis, LockDeadline deadline) throws IOException {
    lock.mustBeHeld();
    if (cycle > CycleName.LAST_CYCLE) {
      throw new OutboxCorrupt(
          held.named().root()
              + " has used up all cycles up to the year 9999: move it away once it is drained, "
              + "and begin a new one");
    }
    if (cycle <= newest) {
      throw Invariant.broken(6, "cycle " + cycle + " would be begun behind " + newest);
    }
    boolean failed = file == null || state.isFailed(newest);
    long base = bases.behind(newestCycle, failed ? null : file);
    admit(draft, base + CycleLayout.next(0, draft.span(true)));
    if (!held.areInPlace()) {
      throw held.replaced();
    }
    if (!failed && !file.isClosed() && !file.writeEof(deadline)) {
      fail(file.end());
      failed = true;
      base = bases.behind(newestCycle, null);
    }
    if (!failed && !file.isClosed()) {
      throw Invariant.broken(7, held.named().cycle(newest) + " is neither closed nor failed");
    }
    if (!NewCycle.create(paths, cycle, options.disk())) {
      return false;
    }
    if (file != null) {
      file.close();
      file = null;
      commit = null; // whoever waits for it has it, too
    }
    newest = cycle;
    file =
        openCycle(cycle)
            .orElseThrow(
                () ->
                    new OutboxCorrupt(
                        held.named().cycle(cycle)
                            + " is not what was just written: check the disk"));
    file.begunHere();
    file.findTail(state);
    listCycles(nowMillis);
    newestCycle = new NewestCycle(cycle, base, RollRule.hour(nowMillis));
    state.newest(newestCycle);
    return true;
  }

  /**
   * Refuses a draft that has no room or no sequences.
   *
   * @param end of it, counted from the beginning of the outbox
   */
  private void admit(Draft draft, long end) throws IOException {
    cap.check(end);
    if (nextSequence < 1 || nextSequence > Long.MAX_VALUE - draft.records() + 1) {
      throw Invariant.broken(4, draft.records() + " sequences from " + nextSequence + " on");
    }
  }

  /** Notes in Chronicle's listing which cycles there are. */
  void listCycles(long nowMillis) throws IOException {
    MetadataTable.update(paths.metadata(), paths.cycles(), nowMillis, options.disk());
  }

  /**
   * Appends a draft to the newest cycle, for which {@link #cycleFor} was asked. An exception means
   * that nothing is published.
   *
   * @throws CycleFailed if the disk fails there: the cycle is marked so
   */
  Published append(Draft draft, long nowMillis, LockDeadline deadline) throws IOException {
    lock.mustBeHeld();
    boolean first = file.entries() == 0;
    int span = draft.span(first);
    long end = CycleLayout.next(file.end(), span) - file.layout().firstData();
    admit(draft, newestCycle.base() + end);
    file.ensureSpace(span, deadline);
    if (options.durability() == Durability.PROCESS) { // a sync would write what is allocated ahead
      file.allocateAhead(span);
    }
    long sequence = nextSequence;
    if (!first && sequence != file.lastSequence() + 1) {
      throw Invariant.broken(4, "sequence " + sequence + " behind " + file.lastSequence());
    }
    Prologue prologue =
        first
            ? new Prologue(
                state.outboxId(), state.generation(), newestCycle.base(), newestCycle.cycleHour())
            : null;
    ByteBuffer frame =
        draft.complete(sequence, (int) file.entries(), nowMillis, prologue, file.id(), file.end());
    int records = draft.records();
    long at = file.end();
    long last = CycleLayout.next(at, span) - Integer.BYTES - draft.length(records - 1, first);
    boolean toBeSynced = options.durability() == Durability.POWER;
    if (toBeSynced) {
      if (commit == null) {
        commit = GroupCommit.of(file, state, lock.syncLock(), options);
      }
      commit.expect(at, last);
    }
    boolean published = false;
    try {
      file.publish(frame, span, draft.length(0, first));
      published = true;
      return new Published(
          state.outboxId(), state.generation(), sequence, records, newest, at, last, commit);
    } catch (IOException e) {
      if (UnreadableBlock.isCauseOf(e)) {
        fail(file.end());
        throw new CycleFailed(e);
      }
      throw e;
    } finally {
      if (!published && toBeSynced) {
        commit.close();
      }
    }
  }

  /** Notes what {@link #append} has published. Whatever this throws, it stays published. */
  void book(Draft draft, long sequence) {
    file.bookPublished(state, draft, sequence);
    nextSequence = file.lastSequence() + 1;
  }

  /** No writer appends to this cycle again. Before the mark, as nobody looks into it again. */
  void markFailed(long cycle) throws IOException {
    lock.mustBeHeld();
    if (state.isFailed(cycle)) {
      return;
    }
    try {
      sequences.giveBehindFailed(cycle);
    } catch (NoSuchFileException e) {
      // removed: it holds no sequences
    }
    state.markFailed(cycle);
  }

  @Override
  public void close() throws IOException {
    try (held;
        state) {
      if (file != null) {
        file.close();
      }
    }
  }
}
