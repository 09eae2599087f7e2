package dev.outboxrelay.client.writing;

import dev.outboxrelay.client.cycle.CycleEntry;
import dev.outboxrelay.client.cycle.CycleScanner;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.record.OutboxRecord;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * Reads what an outbox holds, as the relay does: the chain of each cycle, and behind damage what
 * passes all checks.
 */
public final class ReadBack {
  private ReadBack() {}

  public static List<OutboxRecord> all(Path outbox) throws IOException {
    OutboxPaths paths = new OutboxPaths(outbox);
    List<OutboxRecord> records = new ArrayList<>();
    for (long cycle : paths.cycles()) {
      records.addAll(cycle(paths, cycle));
    }
    return records;
  }

  public static List<UUID> eventIds(Path outbox) throws IOException {
    return all(outbox).stream().map(OutboxRecord::eventId).toList();
  }

  public static List<Long> sequences(Path outbox) throws IOException {
    return all(outbox).stream().map(OutboxRecord::sequence).toList();
  }

  static List<OutboxRecord> cycle(OutboxPaths paths, long cycle) throws IOException {
    List<OutboxRecord> records = new ArrayList<>();
    try (CycleScanner scanner =
        CycleScanner.open(paths.cycle(cycle), OutboxIdentity.outboxOf(paths))) {
      long at = scanner.start();
      while (true) {
        CycleEntry entry =
            scanner.layout().isPresent() ? scanner.at(at) : new CycleEntry.Hostile(at, 0);
        if (entry instanceof CycleEntry.Valid valid) {
          records.add(valid.record());
          at = valid.next();
        } else if (entry instanceof CycleEntry.Corrupt corrupt) {
          at = corrupt.next();
        } else if (entry instanceof CycleEntry.Hostile
            || (entry instanceof CycleEntry.End && scanner.writePosition() > entry.offset())) {
          Optional<CycleEntry.Valid> next = scanner.findNext(entry.offset());
          if (next.isEmpty()) {
            return records;
          }
          records.add(next.get().record());
          at = next.get().next();
        } else {
          return records;
        }
      }
    }
  }
}
