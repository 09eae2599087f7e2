package dev.outboxrelay.relay.control;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.outboxrelay.client.DeliveryOutcome;
import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.cycle.CycleReader;
import dev.outboxrelay.client.cycle.CycleStep;
import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutboxReader;
import dev.outboxrelay.client.files.OutcomesFile;
import dev.outboxrelay.client.files.PositionFile;
import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.client.writing.QueueWriter;
import dev.outboxrelay.client.writing.WriterOptions;
import dev.outboxrelay.relay.deadletter.Fate;
import dev.outboxrelay.relay.deadletter.Fates;
import dev.outboxrelay.relay.fact.Fact;
import dev.outboxrelay.relay.park.OpenSlots;
import dev.outboxrelay.relay.park.ParkedOutboxes;
import dev.outboxrelay.relay.settle.Chores;
import dev.outboxrelay.relay.settle.Outcomes;
import dev.outboxrelay.relay.tail.Source;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** An outbox with four dead letters, and a desk to apply requests about them. */
abstract class DeskFixture {
  static final long SECOND = 1_000_000_000L;

  @TempDir Path directory;
  GivenUp given;
  OutboxPaths paths;
  long saved = 100;
  Exception failure;
  int laneRuns;
  OptionalLong mostLetters = OptionalLong.empty();
  final List<Fact> facts = new ArrayList<>();
  int unlocked;
  boolean othersGoOn;

  @BeforeEach
  void begin() throws IOException {
    given = new GivenUp(directory.resolve("outbox"));
    paths = given.paths;
    given.four();
  }

  static Request replay(Selection selection, String topic) {
    return new Request(UUID.randomUUID(), Verb.REPLAY_LETTERS, selection, topic);
  }

  static Request discard(Selection selection) {
    return new Request(UUID.randomUUID(), Verb.DISCARD_LETTERS, selection, null);
  }

  static Selection topics(String... topics) {
    return new Selection(Set.of(topics), Set.of(), Set.of(), Set.of());
  }

  static Selection numbers(Long... numbers) {
    return new Selection(Set.of(), Set.of(), Set.of(), Set.of(numbers));
  }

  /** What applies requests. */
  final class Desk implements Closeable {
    private final Outcomes outcomes;
    final ParkedOutboxes parked;
    final Workplace place;
    final ControlDesk desk;

    Desk(OutboxPaths outbox, Disk disk) throws IOException {
      WriterOptions options = WriterOptions.of(outbox).withTrustParent(true).withDisk(disk);
      OutboxIdentity identity = OutboxIdentity.find(outbox).orElseThrow();
      outcomes = Outcomes.open(outbox, saved, disk);
      parked = ParkedOutboxes.open(outbox, identity, saved, options, new OpenSlots(32));
      place =
          new Workplace(
              outbox,
              identity,
              options,
              () -> saved,
              outcomes,
              parked,
              DeskFixture.this::lock,
              mostLetters);
      desk = new ControlDesk(place, new Told(), 0);
      desk.begin();
    }

    @Override
    public void close() throws IOException {
      try (outcomes;
          parked;
          desk) {
        // The desk first.
      }
    }
  }

  final class Told implements Chores.Report {
    @Override
    public void failed(Exception error) {
      failure = error;
    }

    @Override
    public void done() {
      failure = null;
    }

    @Override
    public void tell(Fact fact) {
      facts.add(fact);
    }
  }

  /** A relay that runs until the request is answered, is killed, or gets no further. */
  Optional<JsonNode> run(OutboxPaths outbox, UUID id, Disk disk) throws IOException {
    try (Desk opened = new Desk(outbox, disk)) {
      ControlDesk desk = opened.desk;
      long nanos = 0;
      for (int turns = 0; turns < 60; turns++) {
        nanos += SECOND;
        while (desk.work(nanos) > 0) {
          // Until nothing is left.
        }
        Optional<JsonNode> answer = new ControlFiles(outbox, Disk.REAL).answer(id);
        if (answer.isPresent() && (othersGoOn || desk.work(nanos + SECOND) == 0)) {
          assertThat(opened.parked.holdsLane("a")).isFalse();
          return answer;
        }
      }
      return Optional.empty();
    }
  }

  Closeable lock(OutboxPaths lane) {
    return laneRuns-- > 0 ? null : () -> unlocked++;
  }

  JsonNode apply(Request request) throws IOException {
    new ControlFiles(paths, Disk.REAL).submit(request);
    return run(paths, request.id(), Disk.REAL).orElseThrow();
  }

  static List<OutboxRecord> parked(OutboxPaths outbox, String topic) throws IOException {
    OutboxPaths parked = outbox.parked(topic);
    List<OutboxRecord> records = new ArrayList<>();
    for (long cycle : parked.cycles()) {
      try (CycleReader reader =
          CycleReader.open(parked.cycle(cycle), OutboxIdentity.outboxOf(parked))) {
        for (CycleStep step = reader.next(true);
            step instanceof CycleStep.Event event;
            step = reader.next(true)) {
          records.add(event.found().record());
        }
      }
    }
    return records;
  }

  static List<Long> sources(OutboxPaths outbox, String topic) throws IOException {
    return parked(outbox, topic).stream().map(record -> Source.of(record).sequence()).toList();
  }

  List<Long> left() throws IOException {
    Fates fates = Fates.read(paths.deadLetters());
    return List.of(1L, 2L, 3L, 4L).stream().filter(n -> fates.of(n).isEmpty()).toList();
  }

  static void isOnceReplayed(OutboxPaths outbox, JsonNode answer) throws IOException {
    assertThat(answer.path("replayed").asLong()).isEqualTo(4);
    assertThat(answer.path("discarded").asLong()).isZero();
    assertThat(sources(outbox, "a")).containsExactly(1L, 3L, 4L);
    assertThat(sources(outbox, "b")).containsExactly(2L);
    Fates fates = Fates.read(outbox.deadLetters());
    for (long number = 1; number <= 4; number++) {
      assertThat(fates.of(number)).contains(Fate.REPLAYED);
      assertThat(OutcomesFile.outcomeOf(number, outbox.outcomes()))
          .isEqualTo(DeliveryOutcome.PARKED);
    }
    assertThat(fates.of(5)).isEmpty();
    ControlFiles files = new ControlFiles(outbox, Disk.REAL);
    assertThat(files.hasOpen()).isFalse();
    assertThat(PositionFile.find(outbox.deadLetters().position()).orElseThrow().sequence())
        .isEqualTo(4);
  }

  OutboxPaths copy(String name) throws IOException {
    GivenUp.copy(paths.root(), directory.resolve(name));
    return new OutboxPaths(directory.resolve(name));
  }

  static void delete(Path root) throws IOException {
    try (var all = Files.walk(root)) {
      for (Path each : all.sorted(java.util.Comparator.reverseOrder()).toList()) {
        Files.delete(each);
      }
    }
  }

  void takesNothing(String topic) throws IOException {
    if (Files.notExists(paths.parked())) {
      Files.createDirectory(paths.parked());
      Files.setAttribute(paths.parked(), "unix:mode", 042770);
    }
    Files.writeString(paths.parked().resolve(topic), "a file");
  }

  static void lanePosition(OutboxPaths lane, long sequence) throws IOException {
    OutboxRecord last = parkedOf(lane);
    try (PositionFile file = PositionFile.open(lane.position(), Disk.REAL)) {
      file.save(
          new dev.outboxrelay.client.files.Position(
              1,
              dev.outboxrelay.client.files.DeliveryMode.AT_LEAST_ONCE,
              sequence,
              last.eventId(),
              lane.cycles().get(0),
              0,
              0,
              0,
              0,
              OutboxIdentity.outboxOf(lane),
              0));
    }
  }

  static OutboxRecord parkedOf(OutboxPaths lane) throws IOException {
    try (CycleReader reader =
        CycleReader.open(lane.cycle(lane.cycles().get(0)), OutboxIdentity.outboxOf(lane))) {
      return ((CycleStep.Event) reader.next(true)).found().record();
    }
  }

  static Request discardParked(String topic) {
    return new Request(UUID.randomUUID(), Verb.DISCARD_PARKED, Selection.ALL, topic);
  }

  static void isGivenUp(OutboxPaths outbox, JsonNode answer) throws IOException {
    assertThat(answer.path("discarded").asLong()).isEqualTo(3);
    for (long sequence : new long[] {1, 3, 4}) {
      assertThat(OutcomesFile.outcomeOf(sequence, outbox.outcomes()))
          .isEqualTo(DeliveryOutcome.DEAD);
    }
    OutboxPaths lane = outbox.parked("a");
    assertThat(PositionFile.find(lane.position()).orElseThrow().sequence()).isEqualTo(3);
    assertThat(new OutboxReader(lane).status().lagEvents()).isZero();
    assertThat(new OutboxReader(lane).status().lagBytes()).isZero();
    assertThat(new ControlFiles(outbox, Disk.REAL).hasOpen()).isFalse();
  }

  /** Parks an event that is not in the main queue any more. */
  OutboxPaths parkLost(String topic, long sequence) throws IOException {
    OutboxIdentity identity = given.identity();
    WriterOptions options = WriterOptions.of(paths).withTrustParent(true);
    OutboxRecord original;
    try (CycleReader reader =
        CycleReader.open(paths.cycle(paths.cycles().get(0)), identity.outbox())) {
      original = ((CycleStep.Event) reader.next(true)).found().record();
    }
    try (ParkedOutboxes parked =
        ParkedOutboxes.open(paths, identity, saved, options, new OpenSlots(32))) {
      parked.replay(
          topic, original, new Source(identity.outbox(), identity.generation(), sequence, 1));
      parked.syncOf(topic);
    }
    return paths.parked(topic);
  }

  /** In a cycle of its own, so many hours from now. */
  static void later(WriterOptions options, int hours, int events) {
    InstantSource clock = () -> Instant.now().plus(Duration.ofHours(hours));
    try (QueueWriter writer = QueueWriter.open(options.withTrustParent(true).withClock(clock))) {
      for (int i = 0; i < events; i++) {
        writer.append(OutboxEvent.of("a", "later"));
      }
    }
  }

  /** As a volume that is not mounted, or a disk that does not give it. */
  Closeable unreadable(OutboxPaths outbox, int cycle) throws IOException {
    Path file = outbox.cycle(outbox.cycles().get(cycle));
    Path away = directory.resolve("away");
    Files.move(file, away);
    Files.createSymbolicLink(file, away);
    return () -> Files.move(away, file, StandardCopyOption.REPLACE_EXISTING);
  }
}
