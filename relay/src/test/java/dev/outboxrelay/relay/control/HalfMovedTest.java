package dev.outboxrelay.relay.control;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.outboxrelay.client.DeliveryOutcome;
import dev.outboxrelay.client.cycle.CycleReader;
import dev.outboxrelay.client.cycle.CycleStep;
import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutcomesFile;
import dev.outboxrelay.client.writing.WriterOptions;
import dev.outboxrelay.relay.deadletter.Fate;
import dev.outboxrelay.relay.deadletter.Fates;
import dev.outboxrelay.relay.fact.Fact;
import dev.outboxrelay.relay.park.ParkedOutboxes;
import dev.outboxrelay.relay.settle.Chores;
import dev.outboxrelay.relay.settle.Outcomes;
import dev.outboxrelay.relay.tail.Source;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeSet;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A replay is killed at any change, and then something becomes of what it has written. */
class HalfMovedTest {
  private static final long SECOND = 1_000_000_000L;
  private static final long SAVED = 100;

  /** Nothing outlives the test, so nothing is synced. */
  private static final Disk DISK = KillingDisk.never().disk();

  @TempDir private Path directory;
  private GivenUp given;
  private Request request;
  private int changes;
  private Exception failure;

  @BeforeEach
  void begin() throws IOException {
    given = new GivenUp(directory.resolve("outbox"));
    given.four();
    request = replayAll();
    new ControlFiles(given.paths, Disk.REAL).submit(request);
    KillingDisk counting = KillingDisk.never();
    OutboxPaths copy = copy();
    assertThat(run(copy, request.id(), counting.disk())).isPresent();
    delete(copy.root());
    changes = counting.steps.size();
  }

  private static Request replayAll() {
    return new Request(UUID.randomUUID(), Verb.REPLAY_LETTERS, Selection.ALL, null);
  }

  private interface WithCopy {
    void apply(OutboxPaths killed) throws IOException;
  }

  /** Wherever it is killed after it was taken up. */
  private void eachHalfDone(WithCopy then) throws IOException {
    int halfDone = 0;
    for (int at = 0; at < changes; at++) {
      OutboxPaths copy = copy();
      try {
        run(copy, request.id(), KillingDisk.at(at, false).disk());
      } catch (KillingDisk.Killed e) {
        // as it should be
      }
      boolean answered = new ControlFiles(copy, Disk.REAL).answer(request.id()).isPresent();
      if (Files.exists(taken(copy)) && !answered) {
        halfDone++;
        then.apply(copy);
      }
      delete(copy.root());
    }
    assertThat(halfDone).isGreaterThan(10);
  }

  private Path taken(OutboxPaths outbox) {
    return outbox.control().resolve(request.id() + ControlFiles.TAKEN);
  }

  private OutboxPaths copy() throws IOException {
    GivenUp.copy(given.paths.root(), directory.resolve("copy"));
    return new OutboxPaths(directory.resolve("copy"));
  }

  private static void delete(Path root) throws IOException {
    try (Stream<Path> all = Files.walk(root)) {
      for (Path each : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(each);
      }
    }
  }

  private final class Desk implements Closeable, Chores.Report {
    private final Outcomes outcomes;
    private final ParkedOutboxes parked;
    private final ControlDesk desk;
    private long nanos;

    Desk(OutboxPaths outbox, Disk disk) throws IOException {
      WriterOptions options = WriterOptions.of(outbox).withTrustParent(true).withDisk(disk);
      OutboxIdentity identity = OutboxIdentity.find(outbox).orElseThrow();
      outcomes = Outcomes.open(outbox, SAVED, disk);
      parked = ParkedOutboxes.open(outbox, identity, SAVED, options);
      desk =
          new ControlDesk(
              new Workplace(
                  outbox,
                  identity,
                  options,
                  () -> SAVED,
                  outcomes,
                  parked,
                  lane -> () -> {},
                  OptionalLong.empty()),
              this,
              0);
      desk.begin();
    }

    void turn() {
      nanos += SECOND;
      while (desk.work(nanos) > 0) {
        // Until nothing is left.
      }
    }

    @Override
    public void failed(Exception error) {
      failure = error;
    }

    @Override
    public void done() {
      failure = null;
    }

    @Override
    public void tell(Fact fact) {}

    @Override
    public void close() throws IOException {
      try (outcomes;
          parked;
          desk) {
        // The desk first.
      }
    }
  }

  private Optional<JsonNode> run(OutboxPaths outbox, UUID id, Disk disk) throws IOException {
    try (Desk opened = new Desk(outbox, disk)) {
      for (int turns = 0; turns < 30; turns++) {
        opened.turn();
        Optional<JsonNode> answer = new ControlFiles(outbox, Disk.REAL).answer(id);
        if (answer.isPresent()) {
          opened.turn();
          assertThat(opened.parked.holdsLane("a")).isFalse();
          assertThat(opened.parked.holdsLane("other")).isFalse();
          return answer;
        }
      }
      return Optional.empty();
    }
  }

  private static List<Source> moved(OutboxPaths outbox, String topic) throws IOException {
    OutboxPaths parked = outbox.parked(topic);
    List<Source> sources = new ArrayList<>();
    for (long cycle : parked.cycles()) {
      try (CycleReader reader =
          CycleReader.open(parked.cycle(cycle), OutboxIdentity.outboxOf(parked))) {
        for (CycleStep step = reader.next(true);
            step instanceof CycleStep.Event event;
            step = reader.next(true)) {
          sources.add(Source.of(event.found().record()));
        }
      }
    }
    return sources;
  }

  private static List<Long> sequences(OutboxPaths outbox, String topic) throws IOException {
    return moved(outbox, topic).stream().map(Source::sequence).toList();
  }

  private static void isAllMovedOnce(OutboxPaths outbox) throws IOException {
    assertThat(sequences(outbox, "a")).containsExactly(1L, 3L, 4L);
    assertThat(sequences(outbox, "b")).containsExactly(2L);
    Fates fates = Fates.read(outbox.deadLetters());
    for (long number = 1; number <= 4; number++) {
      assertThat(fates.of(number)).contains(Fate.REPLAYED);
      assertThat(OutcomesFile.outcomeOf(number, outbox.outcomes()))
          .isEqualTo(DeliveryOutcome.PARKED);
    }
  }

  /** Somebody asks for all of them once more. */
  private void isMovedOnceByTheNext(OutboxPaths killed) throws IOException {
    Request next = replayAll();
    new ControlFiles(killed, Disk.REAL).submit(next);
    assertThat(run(killed, next.id(), DISK).orElseThrow().path("replayed").isNumber()).isTrue();
    isAllMovedOnce(killed);
  }

  @Test
  void whatARequestHasMovedThatCantBeReadAnyMoreIsNotMovedTwice() throws IOException {
    eachHalfDone(
        killed -> {
          Files.writeString(taken(killed), "{\"request\":");
          assertThat(run(killed, request.id(), DISK).orElseThrow().path("error").asText())
              .contains("can't be used");
          isMovedOnceByTheNext(killed);
        });
  }

  @Test
  void aForeignFileInItsPlaceHoldsUpNothing() throws IOException {
    eachHalfDone(
        killed -> {
          Files.delete(taken(killed));
          Files.delete(killed.control().resolve(request.id() + ControlFiles.REQUEST));
          Files.createDirectory(taken(killed));
          isMovedOnceByTheNext(killed);
          assertThat(failure).hasMessageContaining("remove it");
        });
  }

  private static void damage(Path position) throws IOException {
    byte[] bytes = Files.readAllBytes(position);
    bytes[40] ^= 1;
    bytes[4096 + 40] ^= 1;
    Files.write(position, bytes);
  }

  @Test
  void wherePositionAndMarksCantBeWrittenOnlyItsTopicsWait() throws IOException {
    eachHalfDone(
        killed -> {
          Path position = killed.deadLetters().position();
          byte[] good = Files.readAllBytes(position);
          damage(position);
          TreeSet<String> unmarked = new TreeSet<>();
          Fates fates = Fates.read(killed.deadLetters());
          for (String topic : List.of("a", "b")) {
            for (Source source : moved(killed, topic)) {
              if (fates.of(source.letter().number()).isEmpty()) {
                unmarked.add(topic);
              }
            }
          }
          try (Desk desk = new Desk(killed, DISK)) {
            assertThat(desk.parked.holdsLane("other")).isTrue(); // it is not known yet
            desk.turn();
            assertThat(desk.parked.holdsLane("other")).isFalse();
            assertThat(desk.parked.holdsLane("a")).isEqualTo(unmarked.contains("a"));
            assertThat(desk.parked.holdsLane("b")).isEqualTo(unmarked.contains("b"));
            assertThat(failure)
                .hasMessageContaining("relay.position")
                .hasMessageContaining("remove it");
            Files.write(position, good);
            for (int i = 0; i < 15; i++) {
              desk.turn();
            }
            assertThat(desk.parked.holdsLane("a")).isFalse();
            assertThat(desk.parked.holdsLane("b")).isFalse();
            assertThat(failure).isNull();
          }
          isAllMovedOnce(killed);
        });
  }
}
