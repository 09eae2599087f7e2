package dev.outboxrelay.relay.deadletter;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.outboxrelay.client.DeliveryOutcome;
import dev.outboxrelay.client.Durability;
import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutcomesFile;
import dev.outboxrelay.client.files.OutcomesFile.Range;
import dev.outboxrelay.client.writing.QueueWriter;
import dev.outboxrelay.client.writing.WriterOptions;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LetterBookTest {
  private static final int MANY = 6_000;

  @TempDir private Path directory;
  private OutboxPaths letters;
  private WriterOptions options;

  @BeforeEach
  void begin() throws IOException {
    OutboxPaths outbox = new OutboxPaths(directory.resolve("outbox"));
    Files.createDirectory(outbox.root());
    letters = outbox.deadLetters();
    options =
        WriterOptions.deadLetters(outbox).withTrustParent(true).withDurability(Durability.PROCESS);
    add(MANY);
  }

  private void add(int letterCount) {
    try (QueueWriter writer = QueueWriter.open(options)) {
      List<OutboxEvent> events = new ArrayList<>();
      for (int i = 0; i < letterCount; i++) {
        events.add(OutboxEvent.of("t", "v"));
      }
      writer.appendAll(events);
    }
  }

  private LetterBook open() throws IOException {
    return LetterBook.find(options, () -> Instant.EPOCH).orElseThrow();
  }

  /** One by one, each in an entry of its own. */
  private void discard(long first, long last) throws IOException {
    open().close();
    try (OutcomesFile file = OutcomesFile.open(letters.outcomes(), Disk.REAL)) {
      file.append(
          LongStream.rangeClosed(first, last)
              .mapToObj(number -> new Range(number, number, DeliveryOutcome.DEAD))
              .toList());
    }
  }

  @Test
  void whatWasDoneOneByOneIsToldInFewEntries() throws IOException {
    discard(1, MANY - 10);
    try (LetterBook book = open()) {
      book.mark(List.of(MANY - 5L), Fate.REPLAYED);
      book.shorten();
      book.mark(List.of(MANY - 4L), Fate.DISCARDED);
    }
    assertThat(letters.outcomes()).hasSize(3 * 24);
    Fates fates = Fates.read(letters);
    assertThat(fates.of(1)).contains(Fate.DISCARDED);
    assertThat(fates.of(MANY - 10)).contains(Fate.DISCARDED);
    assertThat(fates.of(MANY - 9)).isEmpty();
    assertThat(fates.of(MANY - 5)).contains(Fate.REPLAYED);
    assertThat(fates.of(MANY - 4)).contains(Fate.DISCARDED);
    assertThat(new LetterCount(letters).now()).isEqualTo(8);
  }

  @Test
  void whatIsSettledAndDeletedNeedsNoFate() throws IOException {
    for (int i = 0; i < 3; i++) {
      List<Range> alternating = new ArrayList<>();
      for (long number = 1; number <= MANY; number++) {
        DeliveryOutcome outcome = number % 2 == 0 ? DeliveryOutcome.DEAD : DeliveryOutcome.PARKED;
        alternating.add(new Range(number, number, outcome));
      }
      open().close();
      try (OutcomesFile file = OutcomesFile.open(letters.outcomes(), Disk.REAL)) {
        file.append(alternating);
      }
    }
    try (LetterBook book = open()) {
      while (!book.advance(500, 4 << 20)) {
        // As far as it goes.
      }
      book.shorten();
      assertThat(Fates.read(letters).of(1)).contains(Fate.REPLAYED); // it is there to be shown
      for (long cycle : letters.cycles()) {
        Files.delete(letters.cycle(cycle));
      }
      book.shorten();
    }
    assertThat(letters.outcomes()).hasSize(24);
    assertThat(Fates.read(letters).of(MANY)).contains(Fate.DISCARDED);
    assertThat(Fates.read(letters).of(MANY + 1)).isEmpty();
  }

  /** A relay counts each second, and with each dead letter. */
  @Test
  void whatWasDoneIsReadOnce() throws IOException {
    discard(1, MANY - 10);
    LetterCount count = new LetterCount(letters);
    assertThat(count.now()).isEqualTo(10);
    long least = Long.MAX_VALUE; // what is loaded or linked meanwhile is allocated once
    for (int i = 0; i < 20; i++) {
      long before = allocatedBytes();
      assertThat(count.now()).isEqualTo(10);
      least = Math.min(least, allocatedBytes() - before);
    }
    assertThat(least).isLessThan(24L * MANY);
    try (LetterBook book = open()) {
      book.mark(List.of((long) MANY), Fate.REPLAYED);
      assertThat(count.now()).isEqualTo(9);
      book.shorten();
      assertThat(count.now()).isEqualTo(9);
      book.mark(List.of(MANY - 1L), Fate.REPLAYED);
      assertThat(count.now()).isEqualTo(8);
    }
  }

  private static long allocatedBytes() {
    return ((ThreadMXBean) ManagementFactory.getThreadMXBean()).getCurrentThreadAllocatedBytes();
  }

  /** 28 days of one a second, in the heap of a small container. */
  @Test
  void anyNumberOfEntriesIsReadInBoundedMemory() throws IOException {
    open().close();
    try (OutcomesFile file = OutcomesFile.open(letters.outcomes(), Disk.REAL)) {
      for (long first = 1; first < 400_000; first += 4_000) {
        file.append(
            LongStream.range(first, first + 4_000)
                .mapToObj(number -> new Range(number, number, DeliveryOutcome.DEAD))
                .toList());
      }
    }
    assertThat(Fates.read(letters).runs()).isLessThanOrEqualTo(2);
  }

  /** Somebody discarded those of one topic, whose letters stand between those of another. */
  @Test
  void anyNumberOfLettersMayStandBetweenOthers() throws IOException {
    long lettersBetween = 300_000;
    open().close();
    try (OutcomesFile file = OutcomesFile.open(letters.outcomes(), Disk.REAL)) {
      file.append(
          LongStream.rangeClosed(1, lettersBetween)
              .mapToObj(i -> new Range(2 * i, 2 * i, DeliveryOutcome.DEAD))
              .toList());
    }
    Fates fates = Fates.read(letters);
    assertThat(fates.of(2 * lettersBetween)).contains(Fate.DISCARDED);
    assertThat(fates.of(2 * lettersBetween - 1)).isEmpty();
    assertThat(new LetterCount(letters).now()).isEqualTo(MANY / 2);
  }
}
