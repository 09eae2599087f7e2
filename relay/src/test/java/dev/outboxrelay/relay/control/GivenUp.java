package dev.outboxrelay.relay.control;

import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.cycle.CycleEntry;
import dev.outboxrelay.client.cycle.CycleScanner;
import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.files.DeliveryMode;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.Position;
import dev.outboxrelay.client.files.PositionFile;
import dev.outboxrelay.client.writing.QueueWriter;
import dev.outboxrelay.client.writing.WriterOptions;
import dev.outboxrelay.relay.deadletter.DeadLetters;
import dev.outboxrelay.relay.deliver.InFlight;
import dev.outboxrelay.relay.deliver.InFlights;
import dev.outboxrelay.relay.fact.DeadLetterReason;
import dev.outboxrelay.relay.fact.Verdict;
import dev.outboxrelay.relay.tail.RecordWalk;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.stream.Stream;

/** An outbox with events that became dead letters. */
public final class GivenUp {
  private static final int COPIED_BYTES = 128 << 10;

  public final OutboxPaths paths;

  /** How many there may be before one more waits. */
  OptionalLong most = OptionalLong.empty();

  /** None yet. */
  public GivenUp(Path root) {
    paths = new OutboxPaths(root);
  }

  WriterOptions options() {
    return WriterOptions.of(paths).withTrustParent(true);
  }

  OutboxIdentity identity() throws IOException {
    return OutboxIdentity.find(paths).orElseThrow();
  }

  /** Appends an event, and gives it up. */
  public void add(OutboxEvent event, DeadLetterReason reason) throws IOException {
    try (QueueWriter writer = QueueWriter.open(options())) {
      writer.append(event);
    }
    add(paths, identity(), reason);
  }

  /** Gives the last event of an outbox up. */
  void add(OutboxPaths of, OutboxIdentity identity, DeadLetterReason reason) throws IOException {
    long cycle = of.cycles().get(of.cycles().size() - 1);
    InFlight last = InFlights.event(cycle, last(of, cycle));
    try (DeadLetters letters =
        new DeadLetters(of, paths, identity, 0, options(), () -> Instant.EPOCH, most)) {
      letters.add(last, new Verdict.DeadLetter(reason, "refused", true));
    }
  }

  private static CycleEntry.Valid last(OutboxPaths of, long cycle) throws IOException {
    try (CycleScanner scanner = CycleScanner.open(of.cycle(cycle), OutboxIdentity.outboxOf(of))) {
      CycleEntry.Valid last = (CycleEntry.Valid) scanner.at(scanner.start());
      while (scanner.at(last.next()) instanceof CycleEntry.Valid next) {
        last = next;
      }
      return last;
    }
  }

  /** Saves that all events are settled. */
  public void settle() throws IOException {
    RecordWalk walk = RecordWalk.behind(paths, null);
    RecordWalk.Found last = null;
    for (RecordWalk.Found found : walk.next(1_000, 1 << 20)) {
      last = found;
    }
    try (PositionFile file = PositionFile.open(paths.position(), Disk.REAL)) {
      file.save(
          new Position(
              identity().generation(),
              DeliveryMode.AT_LEAST_ONCE,
              last.record().sequence(),
              last.record().eventId(),
              last.cycle(),
              last.end(),
              last.cycle() << 32 | Integer.toUnsignedLong(last.record().entry()),
              last.settledBytes(),
              0,
              identity().outbox(),
              0));
    }
  }

  /** The same once more; of large files, which are sparse, their beginnings. */
  static void copy(Path from, Path to) throws IOException {
    Map<Path, Long> files = new TreeMap<>();
    try (Stream<Path> all = Files.walk(from)) {
      for (Path each : all.toList()) {
        files.put(each, Files.isDirectory(each) ? -1 : Files.size(each));
      }
    }
    for (Map.Entry<Path, Long> each : files.entrySet()) {
      Path target = to.resolve(from.relativize(each.getKey()));
      if (each.getValue() < 0) {
        Files.createDirectories(target);
      } else {
        copyFile(each.getKey(), each.getValue(), target);
      }
    }
  }

  private static void copyFile(Path from, long size, Path target) throws IOException {
    byte[] beginning;
    try (InputStream in = Files.newInputStream(from)) {
      beginning = in.readNBytes(COPIED_BYTES);
    }
    try (RandomAccessFile file = new RandomAccessFile(target.toFile(), "rw")) {
      file.write(beginning);
      file.setLength(size);
    }
    Files.setAttribute(target, "unix:mode", 0660);
  }

  /** Two topics, two reasons: 1 a too-large, 2 b too-large, 3 a invalid, 4 a too-large. */
  public void four() throws IOException {
    List<String> topics = List.of("a", "b", "a", "a");
    for (int i = 0; i < topics.size(); i++) {
      add(
          OutboxEvent.builder(topics.get(i)).key("k" + i).value("v" + i).header("h", "1").build(),
          i == 2 ? DeadLetterReason.INVALID_RECORD : DeadLetterReason.TOO_LARGE);
    }
  }
}
