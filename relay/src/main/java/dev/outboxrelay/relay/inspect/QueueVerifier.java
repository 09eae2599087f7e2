package dev.outboxrelay.relay.inspect;

import dev.outboxrelay.client.OutboxUnavailable;
import dev.outboxrelay.client.cycle.CycleEntry;
import dev.outboxrelay.client.cycle.CycleScanner;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutboxState;
import dev.outboxrelay.client.files.Position;
import dev.outboxrelay.client.files.PositionFile;
import dev.outboxrelay.client.files.StateFile;
import dev.outboxrelay.client.record.OtherFormatFound;
import dev.outboxrelay.client.record.Prologue;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;

/**
 * Reads a whole queue and checks what FORMAT.md promises: the chain of entries, every record's CRC,
 * sequences without gap over all cycles, entry numbers, prologues, EOF marks, the index, and that
 * the relay's position belongs to it. Writers may go on meanwhile. For one use.
 */
public final class QueueVerifier implements QueueVisitor {
  private static final int MOST_PROBLEMS_KEPT = 1000;

  private final OutboxPaths paths;
  private final List<Problem> problems = new ArrayList<>();
  private long problemCount;
  private int cycles;
  private long records;
  private long bytes;
  private long firstSequence;
  private long lastSequence;
  private UUID lastEventId; // of that sequence
  private UUID outboxId;
  private Position position;
  private Cycle current;
  private Problem stopped;

  private QueueVerifier(OutboxPaths paths) {
    this.paths = paths;
  }

  /** Reads everything; takes as long as reading the files does. */
  public static VerifyReport verify(OutboxPaths paths) throws IOException {
    return new QueueVerifier(paths).run();
  }

  private VerifyReport run() throws IOException {
    try {
      read();
    } catch (OutboxUnavailable e) {
      if (OtherFormatFound.labelOf(e) == null) {
        throw e;
      }
      stopped = new Problem(OtherFormatFound.labelOf(e), -1, -1, e.getMessage());
    }
    return new VerifyReport(
        cycles, records, bytes, firstSequence, lastSequence, stopped, problems, problemCount);
  }

  private void read() throws IOException {
    // Read before the walk: what they name must then be found by it.
    Optional<OutboxState> state = StateFile.read(paths.state());
    PositionFile.Reading reading = PositionFile.read(paths.position());
    outboxId = state.map(OutboxState::outboxId).orElse(null);
    if (reading instanceof PositionFile.Reading.Saved saved) {
      position = saved.position();
    }

    boolean empty = paths.cycles().isEmpty();
    try {
      new QueueWalk(paths).all(this);
    } finally {
      closeCycle();
    }

    if (state.isEmpty() && !empty) {
      problem(
          "state-unreadable",
          -1,
          -1,
          paths.state() + " is missing or invalid; the next writer" + " rebuilds it");
    }
    if (reading.isDamaged()) {
      problem("position-damaged", -1, -1, paths.position() + " holds no valid position");
    }
    state.ifPresent(this::checkEnd);
    checkPosition();
  }

  @Override
  public void cycleBegins(long cycle, CycleScanner scanner, boolean newest) throws IOException {
    closeCycle();
    cycles++;
    current = new Cycle(cycle, scanner);
  }

  @Override
  public boolean event(FoundEvent found) throws IOException {
    long sequence = found.record().sequence();
    checkSequence(found, sequence);
    checkEntry(found);
    checkPrologue(found);
    if (position != null
        && sequence == position.sequence()
        && !found.record().eventId().equals(position.eventId())) {
      problem(
          "position-foreign",
          found,
          "the position names event "
              + position.eventId()
              + " for sequence "
              + sequence
              + ", the queue holds "
              + found.record().eventId());
    }
    records++;
    bytes += found.record().length();
    return true;
  }

  @Override
  public boolean damage(Damage damage) {
    current.damaged = true;
    problem(
        damage.kind(),
        damage.cycle(),
        damage.offset(),
        damage.detail()
            + (damage.bytes() == 0
                ? "; nothing readable follows"
                : "; " + damage.bytes() + " bytes"));
    return true;
  }

  @Override
  public void stops(long cycle, long offset, CycleEntry.OtherFormat other) {
    stopped = new Problem(other.label(), cycle, offset, other.refusal().getMessage());
  }

  @Override
  public void cycleEnds(long cycle) {
    if (current.noted > 0 && !current.notedSeen && !current.damaged) {
      problem(
          "write-position",
          cycle,
          current.noted,
          "the write position points to where no record is");
    }
  }

  private void checkSequence(FoundEvent found, long sequence) {
    if (firstSequence == 0) {
      firstSequence = sequence;
      long settled = position == null ? 0 : position.sequence();
      if (sequence > settled + 1) {
        problem(
            "sequences-missing",
            found,
            "missing "
                + range(settled + 1, sequence - 1)
                + ", between the position and the first record");
      }
    } else if (sequence == lastSequence && !found.record().eventId().equals(lastEventId)) {
      problem(
          "sequence-twice",
          found,
          "sequence "
              + sequence
              + " was given to event "
              + lastEventId
              + " and to event "
              + found.record().eventId());
    } else if (sequence <= lastSequence) {
      problem(
          "sequence-backwards", found, "sequence " + sequence + " stands behind " + lastSequence);
    } else if (sequence > lastSequence + 1) {
      problem("sequences-missing", found, "missing " + range(lastSequence + 1, sequence - 1));
    }
    if (sequence > lastSequence) {
      lastSequence = sequence;
      lastEventId = found.record().eventId();
    }
  }

  private void checkEntry(FoundEvent found) throws IOException {
    long entry = Integer.toUnsignedLong(found.record().entry());
    if (!current.damaged && entry != current.nextEntry) {
      problem(
          "entry-number",
          found,
          "the record says entry " + entry + ", it stands at " + current.nextEntry);
    }
    current.nextEntry = entry + 1;
    current.notedSeen |= found.offset() == current.noted;
    if (current.index != null && current.index.isIndexed(entry)) {
      OptionalLong indexed = current.index.offsetOf(entry);
      if (indexed.isPresent() && indexed.getAsLong() != found.offset()) {
        problem(
            "index",
            found,
            "the index gives offset " + indexed.getAsLong() + " for entry " + entry);
      }
    }
  }

  private void checkPrologue(FoundEvent found) {
    Prologue prologue = found.record().prologue();
    boolean first = found.record().entry() == 0;
    if (first != (prologue != null)) {
      problem(
          "prologue",
          found,
          first ? "entry 0 has no prologue" : "only entry 0 may have a prologue");
    } else if (first && outboxId != null && !prologue.outboxId().equals(outboxId)) {
      problem(
          "foreign-cycle",
          found,
          "the cycle belongs to outbox " + prologue.outboxId() + ", the state to " + outboxId);
    }
  }

  private void checkEnd(OutboxState state) {
    if (stopped == null && state.nextSequence() > lastSequence + 1 && lastSequence > 0) {
      problem(
          "sequences-missing",
          -1,
          -1,
          "missing " + range(lastSequence + 1, state.nextSequence() - 1) + " at the end");
    }
    for (long failed : state.failedCycles()) {
      problem(
          "cycle-failed", failed, -1, "writers gave this cycle up; the relay reads what it can");
    }
  }

  private void checkPosition() {
    if (position == null) {
      return;
    }
    if (outboxId != null && !position.outboxId().equals(outboxId)) {
      problem(
          "position-foreign",
          -1,
          -1,
          "the position belongs to outbox " + position.outboxId() + ", the state to " + outboxId);
    } else if (stopped == null && lastSequence > 0 && position.sequence() > lastSequence) {
      problem(
          "position-ahead",
          position.cycle(),
          position.offset(),
          "the position says "
              + position.sequence()
              + " is settled, the queue ends at "
              + lastSequence);
    }
  }

  private static String range(long first, long last) {
    return first == last ? "sequence " + first : "sequences " + first + " … " + last;
  }

  private void problem(String kind, FoundEvent at, String detail) {
    problem(kind, at.cycle(), at.offset(), detail);
  }

  private void problem(String kind, long cycle, long offset, String detail) {
    problemCount++;
    if (problems.size() < MOST_PROBLEMS_KEPT) {
      problems.add(new Problem(kind, cycle, offset, detail));
    }
  }

  private void closeCycle() throws IOException {
    if (current != null && current.index != null) {
      current.index.close();
    }
    current = null;
  }

  /** The cycle that is being read. */
  private final class Cycle {
    private final IndexCheck index;
    private final long noted;
    private boolean notedSeen;
    private long nextEntry;
    private boolean damaged;

    Cycle(long number, CycleScanner scanner) throws IOException {
      noted = scanner.writePosition();
      index =
          scanner.layout().isEmpty()
              ? null
              : new IndexCheck(paths.cycle(number), scanner.layout().get());
    }
  }
}
