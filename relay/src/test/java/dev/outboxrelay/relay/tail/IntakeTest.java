package dev.outboxrelay.relay.tail;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.writing.QueueWriter;
import dev.outboxrelay.client.writing.WriterOptions;
import dev.outboxrelay.relay.fact.Fact;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Sequences that were given twice, as when a volume came back as it was an hour before. */
class IntakeTest {
  private static final UUID ONE = new UUID(0, 1);
  private static final UUID TWO = new UUID(0, 2);
  private static final UUID THREE = new UUID(0, 3);

  @TempDir private Path directory;
  private OutboxPaths paths;
  private Instant now = Instant.parse("2026-01-01T00:00:00Z");
  private final List<Fact.OutOfSequence> told = new ArrayList<>();

  @BeforeEach
  void name() {
    paths = new OutboxPaths(directory.resolve("outbox"));
  }

  private void append(UUID eventId) {
    WriterOptions options = WriterOptions.of(paths).withTrustParent(true).withClock(() -> now);
    try (QueueWriter writer = QueueWriter.open(options)) {
      writer.append(OutboxEvent.builder("t").value("v").eventId(eventId).build());
    }
  }

  /** Has sequence 1 be one event, and sequence 2 be two, in two cycles. */
  private void appendTwice(UUID second, UUID secondAgain) throws IOException {
    append(ONE);
    Path cycle = paths.cycle(paths.cycles().get(0));
    byte[] state = Files.readAllBytes(paths.state());
    Path earlier = Files.copy(cycle, directory.resolve("earlier"));
    append(second);
    Path later = Files.move(cycle, directory.resolve("later"));
    Files.write(paths.state(), state);
    Files.move(earlier, cycle);
    now = now.plus(Duration.ofHours(1));
    append(secondAgain);
    Files.delete(cycle);
    Files.move(later, cycle);
  }

  private List<Arrival> read(Bookmark from) throws IOException {
    AtomicLong nanos = new AtomicLong();
    List<Arrival> arrivals = new ArrayList<>();
    UUID outbox = OutboxIdentity.outboxOf(paths);
    try (Tail tail = new Tail(paths, outbox, fact -> {}, () -> nanos.addAndGet(10_000_000))) {
      Intake intake =
          new Intake(
              tail,
              fact -> {
                if (fact instanceof Fact.OutOfSequence found) {
                  told.add(found);
                }
              });
      intake.rewind(from);
      for (int turn = 0; turn < 2_000; turn++) {
        Arrival next = intake.poll();
        if (next != null) {
          arrivals.add(next);
        }
      }
    }
    return arrivals;
  }

  @Test
  void twoEventsOfOneSequenceAreBothReadAndTold() throws IOException {
    appendTwice(TWO, THREE);

    assertThat(read(Bookmark.START)).hasSize(3);
    assertThat(told).containsExactly(new Fact.OutOfSequence(2, THREE, 2, TWO));
    assertThat(told.get(0).isRepeated()).isFalse();
  }

  @Test
  void anEventThatComesAgainWithItsSequenceIsCalledSo() throws IOException {
    appendTwice(TWO, TWO);

    assertThat(read(Bookmark.START)).hasSize(3);
    assertThat(told).containsExactly(new Fact.OutOfSequence(2, TWO, 2, TWO));
    assertThat(told.get(0).isRepeated()).isTrue();
  }

  @Test
  void whichEventStandsAtThePositionIsKnownFromIt() throws IOException {
    appendTwice(TWO, THREE);
    Arrival.Event second = (Arrival.Event) read(Bookmark.START).get(1);
    told.clear();
    Place behind = new Place(second.cycle(), second.end(), 2);

    assertThat(read(new Bookmark(behind, 2, TWO, 0))).hasSize(1);
    assertThat(told).containsExactly(new Fact.OutOfSequence(2, THREE, 2, TWO));
  }

  @Test
  void anEventThatIsNotKnownIsNotGuessed() throws IOException {
    appendTwice(TWO, THREE);
    Arrival.Event second = (Arrival.Event) read(Bookmark.START).get(1);
    told.clear();
    Place behind = new Place(second.cycle(), second.end(), 2);

    read(new Bookmark(behind, 2, null, 0));
    assertThat(told).containsExactly(new Fact.OutOfSequence(2, THREE, 2, null));
    assertThat(told.get(0).isRepeated()).isFalse();
  }
}
