package dev.outboxrelay.relay.inspect;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.writing.QueueWriter;
import dev.outboxrelay.client.writing.WriterOptions;
import dev.outboxrelay.relay.deadletter.DeadLetters;
import dev.outboxrelay.relay.deadletter.Fate;
import dev.outboxrelay.relay.deadletter.LetterBook;
import dev.outboxrelay.relay.inspect.RecentDeadLetters.Entry;
import dev.outboxrelay.relay.inspect.RecentDeadLetters.Reading;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RecentDeadLettersTest {
  private static final Duration LONG = Duration.ofDays(1);

  @TempDir private Path directory;
  private OutboxPaths paths;
  private long nanos;
  private RecentDeadLetters recent;

  @BeforeEach
  void open() throws IOException {
    paths = new OutboxPaths(directory.resolve("outbox"));
    recent = new RecentDeadLetters(paths, () -> nanos);
    QueueWriter.open(WriterOptions.of(paths)).close();
  }

  @Test
  void withoutAnyThereIsNothing() throws IOException {
    assertThat(recent.read(LONG)).isEqualTo(new Reading(0, Map.of(), List.of(), true));
  }

  @Test
  void eachReadingGoesOnWhereTheLastOneEnded() throws IOException {
    append("too-large", 3);
    assertThat(recent.read(LONG).total()).isEqualTo(3);
    assertThat(recent.read(LONG).total()).isEqualTo(3);
    append("invalid-record", 2);

    Reading reading = recent.read(LONG);

    assertThat(reading.total()).isEqualTo(5);
    assertThat(reading.reasons())
        .containsOnly(Map.entry("too-large", 3L), Map.entry("invalid-record", 2L));
    assertThat(reading.latest()).extracting(Entry::number).containsExactly(5L, 4L, 3L, 2L, 1L);
  }

  @Test
  void onlyTheLatestAreKeptAndAllAreCounted() throws IOException {
    append("too-large", 70);

    Reading reading = recent.read(LONG);

    assertThat(reading.total()).isEqualTo(70);
    assertThat(reading.latest())
        .extracting(Entry::number)
        .containsExactlyElementsOf(
            LongStream.rangeClosed(21, 70).map(n -> 91 - n).boxed().toList());
  }

  @Test
  void aReadingEndsWhenItsTimeIsOverAndTheNextOneFindsTheRest() throws IOException {
    append("too-large", 3);

    Reading first = recent.read(Duration.ZERO);
    Reading second = recent.read(Duration.ZERO);
    Reading rest = recent.read(LONG);

    assertThat(first.complete()).isFalse();
    assertThat(first.total()).isEqualTo(1);
    assertThat(second.total()).isEqualTo(2);
    assertThat(rest.complete()).isTrue();
    assertThat(rest.total()).isEqualTo(3);
  }

  @Test
  void whatSomebodyElseWroteThereCanNotFillTheMemory() throws IOException {
    try (QueueWriter letters = QueueWriter.open(WriterOptions.deadLetters(paths))) {
      for (int i = 0; i < 40; i++) {
        letters.append(letter("reason-" + i, "x".repeat(5_000)));
      }
    }

    Reading reading = recent.read(LONG);

    assertThat(reading.reasons()).hasSizeLessThanOrEqualTo(21).containsEntry("other", 20L);
    assertThat(reading.latest()).allMatch(entry -> entry.error().length() == 1_000);
  }

  @Test
  void thoseOfWhichSomethingWasDoneAreGone() throws IOException {
    append("too-large", 3);
    append("invalid-record", 2);
    assertThat(recent.read(LONG).total()).isEqualTo(5);
    done(2L, 5L);

    Reading reading = recent.read(LONG);
    assertThat(reading.latest()).extracting(Entry::number).containsExactly(4L, 3L, 1L);
    assertThat(reading.reasons())
        .containsOnly(Map.entry("too-large", 2L), Map.entry("invalid-record", 1L));

    append("too-large", 1);
    assertThat(recent.read(LONG).latest())
        .extracting(Entry::number)
        .containsExactly(6L, 4L, 3L, 1L);
    done(1L, 3L, 4L, 6L);
    assertThat(recent.read(LONG)).isEqualTo(new Reading(0, Map.of(), List.of(), true));
  }

  /** Each reading would begin anew, and never come to the last ones. */
  @Test
  void whereSomethingIsDoneAllTheTimeAllOfThemAreReadAllTheSame() throws IOException {
    append("too-large", 20);
    boolean last = false;
    for (long number = 1; number <= 15; number++) {
      done(number);
      var unused = recent.read(Duration.ZERO);
      last |= recent.read(Duration.ZERO).latest().stream().anyMatch(it -> it.number() == 20);
    }
    assertThat(last).isTrue();
  }

  private void done(Long... numbers) throws IOException {
    try (LetterBook book =
        LetterBook.find(WriterOptions.deadLetters(paths), InstantSource.system()).orElseThrow()) {
      book.mark(List.of(numbers), Fate.DISCARDED);
    }
  }

  private void append(String reason, int count) {
    try (QueueWriter letters = QueueWriter.open(WriterOptions.deadLetters(paths))) {
      for (int i = 0; i < count; i++) {
        letters.append(letter(reason, "refused"));
      }
    }
  }

  private static OutboxEvent letter(String reason, String error) {
    return OutboxEvent.builder("orders")
        .value(new byte[] {1, 2, 3})
        .header(DeadLetters.REASON, reason)
        .header(DeadLetters.ERROR, error)
        .header(DeadLetters.AT, "2026-03-01T10:00:00Z")
        .build();
  }
}
