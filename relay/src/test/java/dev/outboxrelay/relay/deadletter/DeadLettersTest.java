package dev.outboxrelay.relay.deadletter;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.cycle.CycleEntry;
import dev.outboxrelay.client.cycle.CycleScanner;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.client.writing.QueueWriter;
import dev.outboxrelay.client.writing.WriterOptions;
import dev.outboxrelay.relay.deliver.InFlight;
import dev.outboxrelay.relay.deliver.InFlights;
import dev.outboxrelay.relay.fact.DeadLetterReason;
import dev.outboxrelay.relay.fact.Verdict;
import dev.outboxrelay.relay.inspect.DeadLetter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DeadLettersTest {
  private static final Verdict.DeadLetter REFUSED =
      new Verdict.DeadLetter(DeadLetterReason.TOO_LARGE, "x".repeat(5000), true);

  @TempDir private Path directory;
  private OutboxPaths paths;

  @BeforeEach
  void name() {
    paths = new OutboxPaths(directory.resolve("outbox"));
  }

  @Test
  void whateverAnEventMayBeItsDeadLetterFits() throws IOException {
    String topic = "t".repeat(249);
    int rest = (1 << 20) - 72 - 40 - topic.length() - 128 * (2 + 255 + 4);
    OutboxEvent.Builder event = OutboxEvent.builder(topic).key(new byte[rest & ~3]).value("");
    for (int i = 0; i < 128; i++) {
      event.header(String.format(Locale.ROOT, "%0255d", i), new byte[0]);
    }
    InFlight largest = append(event.build());

    try (DeadLetters letters = open(0)) {
      assertThat(letters.add(largest, REFUSED)).isTrue();
    }

    assertThat(originals()).extracting(OutboxRecord::topic).containsExactly(topic);
    assertThat(originals().get(0).headers()).hasSize(128);
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

  private DeadLetters open(long settled) throws IOException {
    OutboxIdentity outbox = OutboxIdentity.find(paths).orElseThrow();
    return new DeadLetters(
        paths, outbox, settled, WriterOptions.of(paths).withTrustParent(true), () -> Instant.EPOCH);
  }

  private InFlight append(OutboxEvent event) throws IOException {
    try (QueueWriter writer = QueueWriter.open(WriterOptions.of(paths).withTrustParent(true))) {
      writer.append(event);
    }
    long cycle = paths.cycles().get(0);
    UUID outbox = OutboxIdentity.outboxOf(paths);
    try (CycleScanner scanner = CycleScanner.open(paths.cycle(cycle), outbox)) {
      return InFlights.event(cycle, (CycleEntry.Valid) scanner.at(scanner.start()));
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
