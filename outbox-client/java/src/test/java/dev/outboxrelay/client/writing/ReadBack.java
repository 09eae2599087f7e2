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
      for (CycleStep step : steps(paths, cycle)) {
        if (step instanceof CycleStep.Event event) {
          records.add(event.found().record());
        } else if (step instanceof CycleStep.Stopped) {
          return records;
        }
      }
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
    for (CycleStep step : steps(paths, cycle)) {
      if (step instanceof CycleStep.Event event) {
        records.add(event.found().record());
      }
    }
    return records;
  }

  /** Kind, cycle and offset of each, and of where the reader stops. */
  static List<String> problems(Path outbox) throws IOException {
    OutboxPaths paths = new OutboxPaths(outbox);
    List<String> problems = new ArrayList<>();
    for (long cycle : paths.cycles()) {
      for (CycleStep step : steps(paths, cycle)) {
        if (step instanceof CycleStep.Damage damage) {
          problems.add(damage.problem().label() + " " + cycle + " " + damage.offset());
        } else if (step instanceof CycleStep.Lost lost) {
          problems.add(lost.problem().label() + " " + cycle + " " + lost.offset());
        } else if (step instanceof CycleStep.Stopped stopped) {
          problems.add(stopped.other().label() + " " + cycle + " " + stopped.offset());
          return problems;
        }
      }
    }
    return problems;
  }

  private static List<CycleStep> steps(OutboxPaths paths, long cycle) throws IOException {
    List<CycleStep> steps = new ArrayList<>();
    List<Long> cycles = paths.cycles();
    boolean newest = cycle == cycles.get(cycles.size() - 1);
    UUID outbox = OutboxIdentity.outboxOf(paths);
    try (CycleReader reader = CycleReader.open(paths.cycle(cycle), outbox)) {
      CycleStep step;
      do {
        step = reader.next(newest);
        steps.add(step);
      } while (step instanceof CycleStep.Event || step instanceof CycleStep.Damage);
    }
    return steps;
  }
}
