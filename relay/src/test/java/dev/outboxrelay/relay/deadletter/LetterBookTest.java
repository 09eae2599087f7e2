package dev.outboxrelay.relay.deadletter;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.outboxrelay.client.DeliveryOutcome;
import dev.outboxrelay.client.Durability;
import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutboxReader;
import dev.outboxrelay.client.files.OutcomesFile;
import dev.outboxrelay.client.files.OutcomesFile.Range;
import dev.outboxrelay.client.files.PositionFile;
import dev.outboxrelay.client.writing.QueueWriter;
import dev.outboxrelay.client.writing.WriterOptions;
import dev.outboxrelay.relay.tail.RecordWalk;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
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
      for (int i = 0; i < letterCount; i++) {
        writer.append(OutboxEvent.of("t", "v"));
      }
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
    assertThat(position()).isEqualTo(MANY);
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

  /** The state was saved, the last records were not. */
  @Test
  void lettersThatAreLostAtTheEndAreLeftOnlyUntilThoseBeforeThemAreDone() throws IOException {
    List<RecordWalk.Found> all = RecordWalk.ofAll(letters).next(MANY, Long.MAX_VALUE);
    RecordWalk.Found lastKept = all.get(MANY - 3);
    try (FileChannel cycle =
        FileChannel.open(letters.cycle(lastKept.cycle()), StandardOpenOption.WRITE)) {
      int lost = (int) (all.get(MANY - 1).end() - lastKept.end());
      cycle.write(ByteBuffer.allocate(lost), lastKept.end());
    }
    try (LetterBook book = open()) {
      book.mark(LongStream.rangeClosed(1, MANY - 3).boxed().toList(), Fate.DISCARDED);
      advanceAll(book);
      assertThat(new LetterCount(letters).now()).isEqualTo(3);
      book.mark(List.of(MANY - 2L), Fate.REPLAYED);
      advanceAll(book);
    }
    assertThat(new LetterCount(letters).now()).isZero();
    assertThat(Fates.read(letters).of(MANY)).contains(Fate.DISCARDED);
    assertThat(new OutboxReader(letters).status().lagBytes()).isZero();
    add(1);
    assertThat(new LetterCount(letters).now()).isEqualTo(1);
    try (LetterBook book = open()) {
      assertThat(book.walk().next(2, 1 << 20))
          .extracting(found -> found.record().sequence())
          .containsExactly(MANY + 1L);
    }
  }

  private long position() throws IOException {
    return PositionFile.find(letters.position()).orElseThrow().sequence();
  }

  /** What is written over a letter. */
  private void damage(RecordWalk.Found before) throws IOException {
    try (FileChannel cycle =
        FileChannel.open(letters.cycle(before.cycle()), StandardOpenOption.WRITE)) {
      cycle.write(ByteBuffer.wrap(new byte[] {'x', 'y'}), before.end() + 40);
    }
  }

  @Test
  void aDamagedLetterBeforeAnotherIsLeftOnlyUntilThoseBeforeItAreDone() throws IOException {
    damage(RecordWalk.ofAll(letters).next(MANY, Long.MAX_VALUE).get(1));
    try (LetterBook book = open()) {
      advanceAll(book);
      assertThat(new LetterCount(letters).now()).isEqualTo(MANY);
      book.mark(List.of(1L, 2L), Fate.REPLAYED);
      advanceAll(book);
      assertThat(book.lost()).isEqualTo(1);
    }
    assertThat(position()).isEqualTo(3);
    assertThat(new LetterCount(letters).now()).isEqualTo(MANY - 3);
    try (LetterBook book = open()) {
      assertThat(book.walk().next(1, 1))
          .extracting(found -> found.record().sequence())
          .containsExactly(4L);
    }
  }

  /** However many are before them: to go through all takes a time that grows with their number. */
  @Test
  void theNextOnesCostNoMoreThanTheFirst() throws IOException {
    long first = leastAllocated(RecordWalk.ofAll(letters));
    RecordWalk walk = RecordWalk.ofAll(letters);
    assertThat(walk.next(MANY - 100, Long.MAX_VALUE)).hasSize(MANY - 100);
    assertThat(leastAllocated(walk)).isLessThan(2 * first);
  }

  private static long leastAllocated(RecordWalk walk) throws IOException {
    long least = Long.MAX_VALUE; // what is loaded or linked meanwhile is allocated once
    for (int i = 0; i < 20; i++) {
      long before = allocatedBytes();
      assertThat(walk.next(1, 1)).hasSize(1);
      least = Math.min(least, allocatedBytes() - before);
    }
    return least;
  }

  @Test
  void itMakesNoDifferenceWhereAWalkGoesOn() throws IOException {
    try (QueueWriter writer = QueueWriter.open(options)) {
      writer.appendAll(List.of(OutboxEvent.of("t", "1"), OutboxEvent.of("t", "2")));
    }
    add(2);
    damage(RecordWalk.ofAll(letters).next(MANY, Long.MAX_VALUE).get(MANY - 10));
    RecordWalk one = RecordWalk.ofAll(letters);
    List<Long> numbers = new ArrayList<>();
    numbers.add(one.next(MANY - 20, Long.MAX_VALUE).size() + 0L);
    while (one.end().isEmpty()) {
      one.next(1, 1).forEach(found -> numbers.add(found.record().sequence()));
    }
    List<Long> expected =
        new ArrayList<>(LongStream.rangeClosed(MANY - 20, MANY + 4).boxed().toList());
    expected.remove(MANY - 8L);
    assertThat(numbers).isEqualTo(expected);
  }

  /** A reader takes a batch as a whole, so that nothing of it is there if the last is not. */
  @Test
  void ofABatchThatIsNotWholeNothingIsThere() throws IOException {
    try (QueueWriter writer = QueueWriter.open(options)) {
      writer.appendAll(List.of(OutboxEvent.of("t", "1"), OutboxEvent.of("t", "2")));
    }
    List<RecordWalk.Found> all = RecordWalk.ofAll(letters).next(MANY + 2, Long.MAX_VALUE);
    assertThat(all).hasSize(MANY + 2);
    damage(all.get(MANY));
    try (LetterBook book = open()) {
      book.mark(LongStream.rangeClosed(1, MANY).boxed().toList(), Fate.DISCARDED);
      advanceAll(book);
      RecordWalk walk = book.walk();
      assertThat(walk.next(500, 1 << 20)).isEmpty();
      assertThat(walk.end()).contains(new RecordWalk.End.OfAll());
      assertThat(book.lost()).isEqualTo(2);
    }
    assertThat(new LetterCount(letters).now()).isZero();
  }

  /** The disk may give it again, or a person put it back. */
  @Test
  void lettersInACycleThatCantBeOpenedAreLeft() throws IOException {
    WriterOptions now = options;
    options = options.withClock(() -> Instant.now().plus(Duration.ofHours(1)));
    add(2);
    options = options.withClock(() -> Instant.now().plus(Duration.ofHours(2)));
    add(3);
    options = now;
    Path second = letters.cycle(letters.cycles().get(1));
    Path away = directory.resolve("away");
    Files.move(second, away);
    Files.createSymbolicLink(second, away);
    try (LetterBook book = open()) {
      book.mark(LongStream.rangeClosed(1, MANY).boxed().toList(), Fate.DISCARDED);
      book.mark(List.of(MANY + 3L, MANY + 4L, MANY + 5L), Fate.DISCARDED);
      advanceAll(book);
      book.deleteSettled();
      book.shorten();
      assertThat(book.lost()).isZero();
      RecordWalk walk = book.walk();
      assertThat(walk.next(1, 1)).isEmpty();
      assertThat(walk.end().orElseThrow()).isInstanceOf(RecordWalk.End.Stopped.class);
      walk.passOver((RecordWalk.End.Stopped) walk.end().orElseThrow());
      assertThat(walk.next(1, 1).get(0).record().sequence()).isEqualTo(MANY + 3L);
    }
    assertThat(position()).isEqualTo(MANY);
    assertThat(new LetterCount(letters).now()).isEqualTo(2);
    Files.delete(second);
    Files.move(away, second);
    try (LetterBook book = open()) {
      assertThat(book.walk().next(500, 1 << 20)).hasSize(5);
      Files.move(second, away); // a person says that it is lost
      advanceAll(book);
      assertThat(book.lost()).isEqualTo(2);
    }
    assertThat(new LetterCount(letters).now()).isZero();
  }

  @Test
  void aDamagedLetterAtTheEndIsLeftOnlyUntilThoseBeforeItAreDone() throws IOException {
    damage(RecordWalk.ofAll(letters).next(MANY, Long.MAX_VALUE).get(MANY - 2));
    try (LetterBook book = open()) {
      book.mark(LongStream.range(1, MANY).boxed().toList(), Fate.DISCARDED);
      advanceAll(book);
    }
    assertThat(new LetterCount(letters).now()).isZero();
    add(1);
    assertThat(new LetterCount(letters).now()).isEqualTo(1);
  }

  private static void advanceAll(LetterBook book) throws IOException {
    while (!book.advance(500, 4 << 20)) {
      // As far as it goes.
    }
  }
}
