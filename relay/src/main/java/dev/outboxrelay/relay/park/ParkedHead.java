package dev.outboxrelay.relay.park;

import dev.outboxrelay.client.cycle.CycleReader;
import dev.outboxrelay.client.cycle.CycleStep;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.Position;
import dev.outboxrelay.client.files.PositionFile;
import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.relay.tail.Source;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;

/** Reads the first event of a parked topic that its own position does not cover. */
final class ParkedHead {
  /** The position may stand at the end of a cycle; nothing else is searched. */
  private static final int MOST_CYCLES = 2;

  private ParkedHead() {}

  /**
   * When the original was appended.
   *
   * @return milliseconds since the epoch; empty if nothing is there, or nothing that can be read
   */
  static OptionalLong appendMillis(OutboxPaths paths) {
    try {
      Optional<Position> position = PositionFile.find(paths.position());
      long from = position.map(Position::cycle).orElse(Long.MIN_VALUE);
      UUID outbox = OutboxIdentity.outboxOf(paths);
      List<Long> cycles = paths.cycles();
      List<Long> next = cycles.stream().filter(cycle -> cycle >= from).limit(MOST_CYCLES).toList();
      for (long cycle : next) {
        boolean newest = cycle == cycles.get(cycles.size() - 1);
        CycleStep step = first(paths, outbox, cycle, position.orElse(null), newest);
        if (step instanceof CycleStep.Event event) {
          return OptionalLong.of(appendMillis(event.found().record()));
        } else if (!(step instanceof CycleStep.Ended)) {
          return OptionalLong.empty();
        }
      }
    } catch (IOException e) {
      // Only its age is not known then.
    }
    return OptionalLong.empty();
  }

  private static CycleStep first(
      OutboxPaths paths, UUID outbox, long cycle, Position position, boolean newest)
      throws IOException {
    try (CycleReader reader = CycleReader.open(paths.cycle(cycle), outbox)) {
      if (position != null && position.cycle() == cycle) {
        reader.startAt(position.offset(), (position.index() & 0xFFFFFFFFL) + 1);
      }
      reader.searchAtMost(1);
      return reader.next(newest);
    }
  }

  private static long appendMillis(OutboxRecord record) {
    Source source = Source.of(record);
    return source == null ? record.appendTime() : source.appendMillis();
  }
}
