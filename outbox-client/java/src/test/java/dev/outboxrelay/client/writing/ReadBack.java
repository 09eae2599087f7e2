package dev.outboxrelay.client.writing;

import dev.outboxrelay.client.cycle.CycleReader;
import dev.outboxrelay.client.cycle.CycleStep;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.record.OutboxRecord;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/** Reads what an outbox holds, as the relay does. */
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
    UUID outbox = OutboxIdentity.outboxOf(paths);
    try (CycleReader reader = CycleReader.open(paths.cycle(cycle), outbox)) {
      CycleStep step = reader.next(false);
      while (step instanceof CycleStep.Event || step instanceof CycleStep.Damage) {
        if (step instanceof CycleStep.Event event) {
          records.add(event.found().record());
        }
        step = reader.next(false);
      }
    }
    return records;
  }
}
