package dev.outboxrelay.relay.simulation;

import dev.outboxrelay.client.cycle.CycleReader;
import dev.outboxrelay.client.cycle.CycleStep;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutboxState;
import dev.outboxrelay.client.files.Position;
import dev.outboxrelay.client.files.PositionFile;
import dev.outboxrelay.client.files.StateFile;
import dev.outboxrelay.client.record.OutboxRecord;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * What the files of an outbox hold while no relay runs.
 *
 * @param saved the sequence that its position covers
 * @param records all that can be read, in order
 * @param twice those in failed cycles, which may be added again
 */
record OutboxLook(long saved, List<OutboxRecord> records, Set<Long> twice) {
  static OutboxLook at(OutboxPaths paths) throws IOException {
    List<OutboxRecord> records = new ArrayList<>();
    Set<Long> twice = new HashSet<>();
    if (!Files.exists(paths.queue()) || !Files.exists(paths.state())) {
      return new OutboxLook(0, records, twice);
    }
    List<Long> failed =
        StateFile.read(paths.state()).map(OutboxState::failedCycles).orElse(List.of());
    for (long cycle : paths.cycles()) {
      try (CycleReader reader =
          CycleReader.open(paths.cycle(cycle), OutboxIdentity.outboxOf(paths))) {
        CycleStep step = reader.next(true);
        while (step instanceof CycleStep.Event || step instanceof CycleStep.Damage) {
          if (step instanceof CycleStep.Event event) {
            OutboxRecord record = event.found().record();
            records.add(record);
            if (failed.contains(cycle)) {
              twice.add(record.sequence());
            }
          }
          step = reader.next(true);
        }
      }
    }
    long saved = PositionFile.find(paths.position()).map(Position::sequence).orElse(0L);
    return new OutboxLook(saved, records, twice);
  }

  /** Of each parked topic. */
  static Map<String, OutboxLook> parked(OutboxPaths main) throws IOException {
    Map<String, OutboxLook> parked = new TreeMap<>();
    if (Files.exists(main.parked())) {
      try (Stream<Path> topics = Files.list(main.parked())) {
        for (Path each : topics.toList()) {
          String topic = each.getFileName().toString();
          parked.put(topic, at(main.parked(topic)));
        }
      }
    }
    return parked;
  }

  /** An event's number. */
  static long number(OutboxRecord record) {
    return record.eventId().getLeastSignificantBits();
  }
}
