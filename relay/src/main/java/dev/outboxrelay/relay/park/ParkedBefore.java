package dev.outboxrelay.relay.park;

import dev.outboxrelay.client.cycle.CycleEntry;
import dev.outboxrelay.client.cycle.CycleReader;
import dev.outboxrelay.client.cycle.CycleScanner;
import dev.outboxrelay.client.cycle.CycleStep;
import dev.outboxrelay.client.cycle.UnreadableBlock;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutboxState;
import dev.outboxrelay.client.files.StateFile;
import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.relay.tail.Source;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import java.util.function.Predicate;

/**
 * What the files of a parked topic's outbox tell of the events that were parked before. Failed
 * cycles do not count: what the disk has not taken of them is to be parked again. Changes nothing.
 */
final class ParkedBefore {
  private final OutboxPaths paths;
  private final OutboxIdentity origin;

  /**
   * Opens nothing yet.
   *
   * @param origin the main outbox: events of another one that was here before are others
   */
  ParkedBefore(OutboxPaths paths, OutboxIdentity origin) {
    this.paths = paths;
    this.origin = origin;
  }

  /**
   * Which events of the main outbox are there.
   *
   * @param below what has a lower sequence was parked, too, in cycles that are deleted by now
   * @param events the others, where they may still be asked for
   */
  record Found(long below, Set<Event> events) {
    boolean contains(long sequence, UUID eventId) {
      return sequence < below || events.contains(new Event(sequence, eventId));
    }
  }

  /** A record, and the cycle in which it stands. */
  record Last(long cycle, OutboxRecord record) {}

  /** A sequence alone does not tell: a volume that was restored may give it to another event. */
  private record Event(long sequence, UUID eventId) {}

  /** The last record that can be read; null if there is none. */
  OutboxRecord last() throws IOException {
    Last last = lastBut(failedCycles());
    return last == null ? null : last.record();
  }

  /** The same, failed cycles included: of an outbox that others write, they count. */
  OutboxRecord lastOfAll() throws IOException {
    Last last = lastBut(Set.of());
    return last == null ? null : last.record();
  }

  /** The same, if its cycle has failed; null if not. */
  OutboxRecord lastIfFailed() throws IOException {
    Last last = lastBut(Set.of());
    return last != null && failedCycles().contains(last.cycle()) ? last.record() : null;
  }

  private Last lastBut(Set<Long> failed) throws IOException {
    UUID outbox = OutboxIdentity.outboxOf(paths);
    List<Long> cycles = paths.cycles();
    for (int i = cycles.size() - 1; i >= 0; i--) {
      OutboxRecord last = failed.contains(cycles.get(i)) ? null : lastIn(cycles.get(i), outbox);
      if (last != null) {
        return new Last(cycles.get(i), last);
      }
    }
    return null;
  }

  /**
   * The sequence of the event that a record was parked for; 0 if it is of none of the main outbox,
   * or of a dead letter, which stands in no order.
   */
  private long sequence(OutboxRecord record) {
    Source source = record == null ? null : Source.of(record);
    boolean parked = source != null && !source.isReplay() && source.isOf(origin);
    return parked ? source.sequence() : 0;
  }

  /** The sequence of the event that was parked last; 0 if none is known. */
  long lastSequence(OutboxRecord newest) throws IOException {
    Source source = newest == null ? null : Source.of(newest);
    if (source == null || !source.isReplay()) {
      return sequence(newest);
    }
    UUID outbox = OutboxIdentity.outboxOf(paths);
    List<Long> cycles = paths.cycles();
    Set<Long> failed = failedCycles();
    for (int i = cycles.size() - 1; i >= 0; i--) {
      if (!failed.contains(cycles.get(i))) {
        Walk walk = new Walk(0);
        walk.through(cycles.get(i), outbox, i == cycles.size() - 1);
        if (walk.lastSequence > 0) {
          return walk.lastSequence;
        }
      }
    }
    return 0;
  }

  /**
   * The sequence, in the parked topic's own outbox, of its last record that is no replay, 0 if all
   * are; empty if none can be read. Failed cycles count, as its lane delivers what is left of them.
   */
  OptionalLong lastInOrder() throws IOException {
    OutboxRecord newest = lastOfAll();
    if (newest == null) {
      return OptionalLong.empty();
    }
    Source of = Source.of(newest);
    if (of == null || !of.isReplay()) {
      return OptionalLong.of(newest.sequence());
    }
    UUID outbox = OutboxIdentity.outboxOf(paths);
    List<Long> cycles = paths.cycles();
    for (int i = cycles.size() - 1; i >= 0; i--) {
      Walk walk = new Walk(0);
      walk.through(cycles.get(i), outbox, i == cycles.size() - 1);
      if (walk.lastInOrder > 0) {
        return OptionalLong.of(walk.lastInOrder);
      }
    }
    return OptionalLong.of(0);
  }

  /**
   * Of these dead letters, those that are here to be sent once more. What is not seen would be sent
   * twice: so it fails where a cycle can't be read.
   */
  Set<Source> replays(Predicate<Source.Letter> letters) throws IOException {
    UUID outbox = OutboxIdentity.outboxOf(paths);
    List<Long> cycles = paths.cycles();
    Set<Long> failed = failedCycles();
    Walk walk = new Walk(Long.MAX_VALUE, letters);
    for (int i = 0; i < cycles.size(); i++) {
      if (!failed.contains(cycles.get(i))) {
        walk.through(cycles.get(i), outbox, i == cycles.size() - 1);
      }
    }
    return walk.replays;
  }

  private Set<Long> failedCycles() throws IOException {
    return StateFile.read(paths.state())
        .map(OutboxState::failedCycles)
        .<Set<Long>>map(HashSet::new)
        .orElse(Set.of());
  }

  private OutboxRecord lastIn(long cycle, UUID outbox) throws IOException {
    try (CycleScanner scanner = CycleScanner.open(paths.cycle(cycle), outbox)) {
      long noted = scanner.writePosition();
      boolean isPlace = noted >= scanner.start() && noted % 4 == 0;
      OutboxRecord last = null;
      if (scanner.layout().isPresent() && (noted == 0 || isPlace)) {
        CycleEntry at = scanner.at(noted == 0 ? scanner.start() : noted);
        while (at instanceof CycleEntry.Valid valid) {
          last = valid.record();
          at = scanner.at(valid.next());
        }
      }
      if (last != null || noted == 0) {
        return last;
      }
    } catch (NoSuchFileException e) {
      return null;
    } catch (UnreadableBlock e) {
      // read as a reader does
    }
    Walk walk = new Walk(0);
    walk.through(cycle, outbox, true);
    return walk.last;
  }

  /**
   * Looks at each record, and not only at the last one: a power cut may have taken what stood
   * before that.
   *
   * @param settled what is at or below it is not asked for any more
   */
  Found above(long settled) throws IOException {
    UUID outbox = OutboxIdentity.outboxOf(paths);
    List<Long> cycles = paths.cycles();
    long newest = cycles.isEmpty() ? -1 : cycles.get(cycles.size() - 1);
    Collections.reverse(cycles);
    Set<Long> failed = failedCycles();
    Walk walk = new Walk(settled);
    for (long cycle : cycles) {
      walk.beginsAnew = true;
      if (!failed.contains(cycle)) {
        walk.through(cycle, outbox, cycle == newest);
      }
      if (walk.reachesBack) {
        return new Found(0, walk.found);
      }
    }
    return new Found(walk.beginsAnew ? 0 : walk.below, walk.found);
  }

  /** From cycle to cycle, newest first. */
  private final class Walk {
    private final long settled;
    private final Set<Event> found = new HashSet<>();
    private final Set<Source> replays = new HashSet<>();
    private final Predicate<Source.Letter> replaysOf; // null if nobody asks for them
    private boolean reachesBack; // there is one that is not asked for any more
    private long below; // of the first that was parked, as far as the walk has come
    private boolean beginsAnew = true; // nothing tells that there was a cycle before
    private long lastSequence;
    private long lastInOrder; // its own sequence
    private OutboxRecord last;

    private Walk(long settled) {
      this(settled, null);
    }

    private Walk(long settled, Predicate<Source.Letter> replaysOf) {
      this.settled = settled;
      this.replaysOf = replaysOf;
    }

    private void through(long cycle, UUID outbox, boolean newest) throws IOException {
      try (CycleReader reader = CycleReader.open(paths.cycle(cycle), outbox)) {
        boolean first = true;
        boolean sound = true; // and none was parked yet
        boolean ended = false;
        while (!ended) {
          CycleStep step = reader.next(newest);
          if (step instanceof CycleStep.Event event) {
            OutboxRecord record = event.found().record();
            beginsAnew = first ? record.sequence() == 1 : beginsAnew;
            sound = !take(record, sound) && sound;
          } else if (step instanceof CycleStep.Stopped stopped) {
            throw stopped.other().refusal();
          } else if (step instanceof CycleStep.Damage && sound) {
            sound = false; // what was parked first is not known
            below = 0;
          }
          first = false;
          ended = !(step instanceof CycleStep.Event || step instanceof CycleStep.Damage);
        }
      } catch (NoSuchFileException e) {
        // deleted meanwhile
      } catch (UnreadableBlock e) {
        if (replaysOf != null) {
          throw e;
        }
      }
    }

    /** Returns whether it was parked. */
    private boolean take(OutboxRecord record, boolean sound) {
      last = record;
      long sequence = sequence(record);
      if (sequence == 0) {
        Source source = Source.of(record);
        if (source != null && source.isReplay()) {
          if (replaysOf != null && replaysOf.test(source.letter())) {
            replays.add(source);
          }
          return false;
        }
      }
      lastInOrder = record.sequence();
      lastSequence = Math.max(lastSequence, sequence);
      if (sequence > settled) {
        found.add(new Event(sequence, record.eventId()));
      } else {
        reachesBack |= sequence > 0;
      }
      // Where a cycle was deleted before this one; if the beginning of this one is damaged, nothing
      // tells what it was.
      below = sound ? sequence : below;
      return true;
    }
  }
}
