package dev.outboxrelay.relay.deadletter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.cycle.CycleEntry;
import dev.outboxrelay.client.cycle.CycleScanner;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.client.record.RecordLimits;
import dev.outboxrelay.client.writing.QueueWriter;
import dev.outboxrelay.client.writing.WriterOptions;
import dev.outboxrelay.relay.deliver.InFlight;
import dev.outboxrelay.relay.deliver.InFlights;
import dev.outboxrelay.relay.fact.DeadLetterReason;
import dev.outboxrelay.relay.fact.Verdict;
import dev.outboxrelay.relay.inspect.DeadLetter;
import dev.outboxrelay.relay.tail.Source;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DeadLettersTest {
  private static final Verdict.DeadLetter REFUSED =
      new Verdict.DeadLetter(DeadLetterReason.TOO_LARGE, "x".repeat(5000), true);

  private static final int SNAPSHOT_BYTES = 80 << 10;

  @TempDir private Path directory;
  private OutboxPaths paths;

  @BeforeEach
  void name() {
    paths = new OutboxPaths(directory.resolve("outbox"));
  }

  @Test
  void whateverAnEventMayBeItsDeadLetterFitsWithItsKey() throws IOException {
    String topic = "t".repeat(249);
    int rest = (1 << 20) - 72 - 40 - topic.length() - 128 * (2 + 255 + 4);
    byte[] key = new byte[rest & ~3];
    Arrays.fill(key, (byte) 'k');
    OutboxEvent.Builder event = OutboxEvent.builder(topic).key(key).value("");
    for (int i = 0; i < 128; i++) {
      event.header(String.format(Locale.ROOT, "%0255d", i), new byte[0]);
    }
    InFlight largest = append(event.build());

    try (DeadLetters letters = open(0)) {
      assertThat(letters.add(largest, REFUSED)).isTrue();
    }

    assertThat(last(paths.deadLetters()).record().key()).isEqualTo(key);
    assertThat(originals()).extracting(OutboxRecord::topic).containsExactly(topic);
    assertThat(originals().get(0).headers()).hasSize(128);
  }

  @Test
  void anEventThatIsLargerThanOursMayBeIsKeptWithoutItsKeyBeside() throws IOException {
    byte[] key = new byte[3 << 19];
    WriterOptions any =
        WriterOptions.of(paths).withTrustParent(true).withLimits(RecordLimits.DEAD_LETTERS);
    InFlight larger = append(any, OutboxEvent.builder("t").key(key).value("v").build());

    try (DeadLetters letters = open(0)) {
      assertThat(letters.add(larger, REFUSED)).isTrue();
    }

    assertThat(last(paths.deadLetters()).record().key()).isNull();
    assertThat(originals().get(0).key()).isEqualTo(key);
  }

  @Test
  void oneThatARestartAsksForAgainIsKeptOnce() throws IOException {
    InFlight event = append(OutboxEvent.of("t", "v"));
    try (DeadLetters letters = open(0)) {
      assertThat(letters.add(event, REFUSED)).isTrue();
      assertThat(letters.add(event, REFUSED)).isFalse();
    }
    try (DeadLetters letters = open(0)) {
      assertThat(letters.add(event, REFUSED)).isFalse();
    }
  }

  @Test
  void oneOfAnEarlierRunIsTold() throws IOException {
    InFlight event = append(OutboxEvent.of("t", "v"));
    InFlight other = append(OutboxEvent.of("t", "other"));
    Verdict.DeadLetter large = new Verdict.DeadLetter(DeadLetterReason.TOO_LARGE, "large", true);
    try (DeadLetters letters = open(0)) {
      assertThat(letters.add(event, large)).isTrue();
      assertThat(letters.diedBefore(1, event.eventId())).isNull(); // it is no earlier run
    }
    try (DeadLetters letters = open(0)) {
      assertThat(letters.diedBefore(1, event.eventId())).isEqualTo(DeadLetterReason.TOO_LARGE);
      assertThat(letters.diedBefore(1, other.eventId())).isNull();
      assertThat(letters.diedBefore(2, other.eventId())).isNull();
    }
    try (DeadLetters letters = open(1)) {
      assertThat(letters.diedBefore(1, event.eventId())).isNull(); // it does not come again
    }
  }

  @Test
  void oneThatALaneOfAnEarlierRunGaveUpIsTold() throws IOException {
    InFlight event = append(OutboxEvent.of("t", "v"));
    OutboxIdentity main = OutboxIdentity.find(paths).orElseThrow();
    OutboxPaths lane = paths.parked("t");
    Files.createDirectories(lane.root().getParent());
    Source source = new Source(main.outbox(), main.generation(), event.sequence(), 0);
    InFlight parked = append(lane, parked(event, source));
    InFlight replay =
        append(lane, parked(event, source.replayedBy(new Source.Letter(new UUID(0, 1), 1))));
    InFlight lost = append(lane, parked(event, source.ofNobody()));
    OutboxIdentity identity = OutboxIdentity.find(lane).orElseThrow();

    for (InFlight one : List.of(replay, lost)) {
      try (DeadLetters letters = open(lane, identity, 0)) {
        assertThat(letters.add(one, REFUSED)).isTrue();
      }
      try (DeadLetters letters = open(0)) {
        assertThat(letters.diedBefore(event.sequence(), event.eventId())).isNull();
      }
    }
    try (DeadLetters letters = open(lane, identity, 0)) {
      assertThat(letters.add(parked, REFUSED)).isTrue();
    }
    try (DeadLetters letters = open(0)) {
      assertThat(letters.diedBefore(event.sequence(), event.eventId()))
          .isEqualTo(DeadLetterReason.TOO_LARGE);
      assertThat(letters.add(event, REFUSED)).isFalse();
    }
  }

  private OutboxEvent parked(InFlight event, Source source) {
    return OutboxEvent.builder("t")
        .value("v")
        .eventId(event.eventId())
        .header(source.header().name(), source.header().value())
        .build();
  }

  @Test
  void oneThatWasReplayedIsNotToldThoughThePositionIsLost() throws IOException {
    InFlight event = append(OutboxEvent.of("t", "v"));
    WriterOptions options = WriterOptions.of(paths).withTrustParent(true);
    try (DeadLetters letters = open(0)) {
      letters.add(event, REFUSED);
    }
    try (LetterBook book =
        LetterBook.find(DeadLetters.options(paths, options), () -> Instant.EPOCH).orElseThrow()) {
      book.mark(List.of(1L), Fate.REPLAYED);
    }
    try (DeadLetters letters = open(0)) {
      assertThat(letters.diedBefore(1, event.eventId())).isNull();
      assertThat(letters.add(event, REFUSED)).isFalse();
    }
  }

  @Test
  void whereSomebodyTakesThemAwayTheNextTryBeginsAnew() throws IOException {
    InFlight first = append(OutboxEvent.of("t", "first"));
    InFlight second = append(OutboxEvent.of("t", "second"));
    try (DeadLetters letters = open(0)) {
      letters.add(first, REFUSED);
      Files.move(paths.deadLetters().root(), paths.root().resolveSibling("taken-away"));
      assertThatThrownBy(() -> letters.add(second, REFUSED)).isInstanceOf(OutboxError.class);
      assertThat(letters.add(second, REFUSED)).isTrue();
    }
    assertThat(originals()).extracting(OutboxRecord::sequence).containsExactly(2L);
  }

  @Test
  void anOutboxThatIsBegunAnewKeepsItsOwnBesideThoseOfAnEarlierLife() throws IOException {
    UUID sameId = new UUID(0, 0);
    InFlight first = append(OutboxEvent.builder("t").value("first").eventId(sameId).build());
    try (DeadLetters letters = open(0)) {
      assertThat(letters.add(first, REFUSED)).isTrue();
    }
    removeQueue();
    InFlight second = append(OutboxEvent.builder("t").value("second").eventId(sameId).build());

    try (DeadLetters letters = open(0)) {
      assertThat(letters.add(second, REFUSED)).isTrue();
    }

    assertThat(originals()).extracting(OutboxRecord::sequence).containsExactly(1L, 1L);
    assertThat(originals())
        .extracting(original -> new String(original.value(), StandardCharsets.UTF_8))
        .containsExactly("first", "second");
  }

  @Test
  void anotherEventOfTheSameSequenceIsKeptToo() throws IOException {
    append(OutboxEvent.of("t", "of both"));
    Map<Path, byte[]> snapshot = files();
    InFlight first = append(OutboxEvent.of("t", "first"));
    try (DeadLetters letters = open(0)) {
      assertThat(letters.add(first, REFUSED)).isTrue();
      restore(snapshot);
      InFlight second = append(OutboxEvent.of("t", "second"));
      assertThat(second.sequence()).isEqualTo(first.sequence());
      assertThat(letters.add(second, REFUSED)).isTrue();
    }
    restore(snapshot);
    InFlight third = append(OutboxEvent.of("t", "third"));
    try (DeadLetters letters = open(0)) {
      assertThat(letters.add(third, REFUSED)).isTrue();
    }
  }

  @Test
  void whatAnEarlierGenerationLeftIsNotTakenForThis() throws IOException {
    UUID outbox;
    InFlight event = append(OutboxEvent.of("t", "v"));
    try (DeadLetters letters = open(0)) {
      assertThat(letters.add(event, REFUSED)).isTrue();
      outbox = OutboxIdentity.outboxOf(paths);
    }
    try (DeadLetters letters = open(new OutboxIdentity(outbox, 2), 0)) {
      assertThat(letters.add(event, REFUSED)).isTrue();
    }
  }

  private DeadLetters open(long settled) throws IOException {
    return open(OutboxIdentity.find(paths).orElseThrow(), settled);
  }

  private DeadLetters open(OutboxIdentity outbox, long settled) throws IOException {
    return open(paths, outbox, settled);
  }

  private DeadLetters open(OutboxPaths of, OutboxIdentity outbox, long settled) throws IOException {
    return new DeadLetters(
        of,
        paths,
        outbox,
        settled,
        WriterOptions.of(paths).withTrustParent(true),
        () -> Instant.EPOCH,
        OptionalLong.empty());
  }

  private InFlight append(OutboxEvent event) throws IOException {
    return append(WriterOptions.of(paths).withTrustParent(true), event);
  }

  private InFlight append(WriterOptions options, OutboxEvent event) throws IOException {
    return append(paths, options, event);
  }

  private InFlight append(OutboxPaths lane, OutboxEvent event) throws IOException {
    return append(lane, WriterOptions.parked(lane).withTrustParent(true), event);
  }

  private static InFlight append(OutboxPaths to, WriterOptions options, OutboxEvent event)
      throws IOException {
    try (QueueWriter writer = QueueWriter.open(options)) {
      writer.append(event);
    }
    return InFlights.event(to.cycles().get(0), last(to));
  }

  private static CycleEntry.Valid last(OutboxPaths paths) throws IOException {
    Path cycle = paths.cycle(paths.cycles().get(0));
    try (CycleScanner scanner = CycleScanner.open(cycle, OutboxIdentity.outboxOf(paths))) {
      CycleEntry.Valid last = (CycleEntry.Valid) scanner.at(scanner.start());
      while (scanner.at(last.next()) instanceof CycleEntry.Valid next) {
        last = next;
      }
      return last;
    }
  }

  /** What a snapshot of the volume would hold; of the queue its beginning. */
  private Map<Path, byte[]> files() throws IOException {
    Map<Path, byte[]> files = new HashMap<>();
    for (Path file : List.of(paths.state(), paths.cycle(paths.cycles().get(0)))) {
      try (InputStream in = Files.newInputStream(file)) {
        files.put(file, in.readNBytes(SNAPSHOT_BYTES));
      }
    }
    return files;
  }

  private static void restore(Map<Path, byte[]> snapshot) throws IOException {
    for (Map.Entry<Path, byte[]> file : snapshot.entrySet()) {
      Files.write(file.getKey(), file.getValue(), StandardOpenOption.WRITE);
    }
  }

  private void removeQueue() throws IOException {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(paths.queue())) {
      for (Path file : files) {
        Files.delete(file);
      }
    }
    Files.delete(paths.state());
  }

  private List<OutboxRecord> originals() throws IOException {
    List<OutboxRecord> originals = new ArrayList<>();
    DeadLetter.each(paths, letter -> originals.add(letter.event().orElseThrow()));
    return originals;
  }
}
