package dev.outboxrelay.relay.copy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.client.EventHeader;
import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.cycle.CycleEntry;
import dev.outboxrelay.client.cycle.CycleScanner;
import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.PositionFile;
import dev.outboxrelay.client.record.CycleId;
import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.client.writing.QueueWriter;
import dev.outboxrelay.client.writing.WriterOptions;
import dev.outboxrelay.relay.control.GivenUp;
import dev.outboxrelay.relay.control.KillingDisk;
import dev.outboxrelay.relay.deadletter.DeadLetters;
import dev.outboxrelay.relay.deadletter.Fate;
import dev.outboxrelay.relay.deadletter.LetterBook;
import dev.outboxrelay.relay.deadletter.LetterCount;
import dev.outboxrelay.relay.deliver.Backoff;
import dev.outboxrelay.relay.deliver.ManualClocks;
import dev.outboxrelay.relay.fact.DeadLetterReason;
import dev.outboxrelay.relay.fact.Fact;
import dev.outboxrelay.relay.fact.Part;
import dev.outboxrelay.relay.inspect.Records;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LetterCopierTest {
  private static final int PATIENCE = 10_000; // turns

  @TempDir private Path directory;
  private GivenUp outbox;
  private OutboxPaths letters;
  private final ManualClocks time = new ManualClocks();
  private final FakeTopic topic = new FakeTopic();
  private final List<Fact> told = new ArrayList<>();
  private LetterCopier copier;

  @BeforeEach
  void begin() {
    outbox = new GivenUp(directory.resolve("outbox"));
    letters = outbox.paths.deadLetters();
    copier = copier(Disk.REAL);
  }

  @AfterEach
  void end() {
    copier.close();
  }

  private LetterCopier copier(Disk disk) {
    return copier(disk, new CopyTurns(1)); // of its own process
  }

  private LetterCopier copier(Disk disk, CopyTurns turns) {
    return copier(outbox, topic, disk, turns);
  }

  private LetterCopier copier(GivenUp of, FakeTopic to, Disk disk, CopyTurns turns) {
    return new LetterCopier(
        of.paths,
        new LetterCopier.Settings(
            "dlt",
            to::sender,
            turns,
            new Backoff(Duration.ofMillis(100), Duration.ofSeconds(1)),
            Duration.ofMillis(100),
            disk,
            time.clocks()));
  }

  private void giveUp(int count) throws IOException {
    for (int i = 0; i < count; i++) {
      outbox.add(OutboxEvent.of("orders", "v" + i), DeadLetterReason.TOO_LARGE);
    }
  }

  private void turn() {
    copier.doWork();
    topic.answer();
    time.advance(Duration.ofMillis(50));
    for (Fact fact = copier.poll(); fact != null; fact = copier.poll()) {
      told.add(fact);
    }
  }

  private void turnUntil(BooleanSupplier condition) {
    int turns = 0;
    while (!condition.getAsBoolean()) {
      assertThat(turns++).as("turns; told: %s", told).isLessThan(PATIENCE);
      turn();
    }
  }

  private void turnUntilCopied() {
    turnUntil(() -> isSaved(LetterCopierTest::lastOf));
  }

  private interface Wanted {
    long of(OutboxPaths letters) throws IOException;
  }

  private static long lastOf(OutboxPaths letters) throws IOException {
    return LetterCount.lastNumber(letters);
  }

  private boolean isSaved(Wanted number) {
    try {
      return PositionFile.find(letters.copied()).map(at -> at.sequence()).orElse(-1L)
          == number.of(letters);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static Map<String, String> headers(OutboxRecord record) {
    Map<String, String> headers = new LinkedHashMap<>();
    for (EventHeader header : record.headers()) {
      headers.put(header.name(), new String(header.value(), StandardCharsets.UTF_8));
    }
    return headers;
  }

  private <F extends Fact> List<F> told(Class<F> kind) {
    return told.stream().filter(kind::isInstance).map(kind::cast).toList();
  }

  private static List<Long> upTo(long last) {
    return LongStream.rangeClosed(1, last).boxed().toList();
  }

  private LetterBook book() throws IOException {
    return LetterBook.find(
            WriterOptions.deadLetters(outbox.paths).withTrustParent(true), () -> Instant.EPOCH)
        .orElseThrow();
  }

  private void discardAndAdvance(long... numbers) throws IOException {
    try (LetterBook book = book()) {
      book.mark(LongStream.of(numbers).boxed().toList(), Fate.DISCARDED);
      while (!book.advance(100, 1 << 20)) {
        // As far as it goes.
      }
    }
  }

  @Test
  void aCopyIsItsEventAndSaysWhyItIsThere() throws IOException {
    outbox.add(
        OutboxEvent.builder("orders")
            .key("k")
            .value("v")
            .header("own", "of the event".getBytes(StandardCharsets.UTF_8))
            .partition(7)
            .build(),
        DeadLetterReason.TOO_LARGE);

    turnUntilCopied();

    OutboxRecord copy = topic.taken.get(0);
    assertThat(copy.topic()).isEqualTo("dlt");
    assertThat(copy.key()).asString().isEqualTo("k");
    assertThat(copy.value()).asString().isEqualTo("v");
    assertThat(copy.partition()).isNull();
    assertThat(headers(copy))
        .containsEntry("own", "of the event")
        .containsEntry("outbox-dead-letter-topic", "orders")
        .containsEntry("outbox-dead-letter-number", "1")
        .containsEntry(DeadLetters.REASON, "too-large")
        .containsEntry(DeadLetters.SEQUENCE, "1")
        .containsEntry("__connect.errors.topic", "orders")
        .containsKeys(
            DeadLetters.ERROR,
            DeadLetters.AT,
            DeadLetters.OUTBOX,
            DeadLetters.GENERATION,
            "__connect.errors.exception.message");
    assertThat(told(Fact.LettersCopied.class)).containsExactly(new Fact.LettersCopied(1));
  }

  @Test
  void whereThereIsNothingToCopyNothingIsOpen() throws IOException {
    for (int i = 0; i < 100; i++) {
      turn();
    }
    assertThat(topic.senders).isZero();

    giveUp(3);
    turnUntilCopied();
    turnUntil(() -> topic.open == 0);
    assertThat(copier.left()).isZero();

    giveUp(1);
    turnUntilCopied();
    assertThat(topic.numbers()).containsExactly(1L, 2L, 3L, 4L);
  }

  /** At each change of the disk, before and after it. */
  @Test
  void whateverIsKilledWhereverNoLetterIsMissing() throws IOException {
    giveUp(5);
    KillingDisk counting = KillingDisk.never();
    copier = copier(counting.disk());
    turnUntilCopied();
    int steps = counting.steps.size();
    assertThat(steps).isGreaterThan(3);
    for (int step = 0; step < 2 * steps; step++) {
      copier.close();
      Files.delete(letters.copied());
      topic.taken.clear();
      copier = copier(KillingDisk.at(step / 2, step % 2 == 0).disk());
      try {
        turnUntilCopied();
        copier.doWork();
      } catch (KillingDisk.Killed e) {
        topic.senderDied();
      }
      copier = copier(Disk.REAL);
      turnUntilCopied();
      assertThat(topic.numbers()).as("killed at " + step).containsAll(upTo(5));
    }
  }

  @Test
  void whatWasNotAckedIsSentAgainByTheNextRun() throws IOException {
    giveUp(3);
    turnUntilCopied();
    topic.acks = false;
    giveUp(3);
    for (int i = 0; i < 100; i++) {
      turn();
    }
    topic.senderDied();
    topic.acks = true;

    copier = copier(Disk.REAL);
    turnUntilCopied();

    assertThat(topic.numbers()).isEqualTo(upTo(6));
  }

  @Test
  void aCopyThatKafkaRefusesIsToldOnceAndIsNoLetterOfItsOwn() throws IOException {
    giveUp(2);
    outbox.add(OutboxEvent.of("dlt", "of the topic itself"), DeadLetterReason.TOO_LARGE);
    giveUp(30);
    topic.tooLarge.addAll(LongStream.rangeClosed(3, 20).boxed().toList());

    turnUntilCopied();

    assertThat(topic.numbers()).containsAll(LongStream.rangeClosed(21, 33).boxed().toList());
    assertThat(topic.numbers()).doesNotContain(3L, 20L);
    assertThat(told(Fact.LetterNotCopied.class))
        .extracting(Fact.LetterNotCopied::number)
        .containsExactlyElementsOf(LongStream.rangeClosed(3, 20).boxed().toList());
    assertThat(LetterCount.lastNumber(letters)).isEqualTo(33);
    assertThat(told(Fact.Failed.class)).isEmpty();
  }

  @Test
  void aTopicThatIsMissingIsATroubleUntilItIsThere() throws IOException {
    topic.exists = false;
    giveUp(4);
    turnUntil(() -> !told(Fact.Failed.class).isEmpty());
    Fact.Failed failed = told(Fact.Failed.class).get(0);
    assertThat(failed.part()).isEqualTo(Part.COPY);
    assertThat(failed.error()).contains("dlt");
    assertThat(copier.left()).isEqualTo(4);
    assertThat(told(Fact.Recovered.class)).isEmpty();

    topic.exists = true;
    turnUntilCopied();
    turnUntil(() -> copier.left() == 0);

    assertThat(topic.numbers()).isEqualTo(upTo(4));
    assertThat(told(Fact.Recovered.class)).containsExactly(new Fact.Recovered(Part.COPY));
  }

  @Test
  void switchedOnLaterItBeginsWithTheFirstThatNobodyHasDealtWith() throws IOException {
    giveUp(5);
    discardAndAdvance(1, 2, 4);

    turnUntilCopied();

    assertThat(topic.numbers()).containsExactly(3L, 4L, 5L);
  }

  @Test
  void whatIsDoneOfALetterMeanwhileDoesNotKeepItFromBeingCopied() throws IOException {
    topic.exists = false;
    giveUp(3);
    turnUntil(() -> !told(Fact.Failed.class).isEmpty());
    discardAndAdvance(1, 2);
    topic.exists = true;

    copier = copier(Disk.REAL);
    turnUntilCopied();

    assertThat(topic.numbers()).isEqualTo(upTo(3));
  }

  @Test
  void lettersThatAreNotKeptUntilTheyAreCopiedAreTold() throws IOException {
    giveUp(2);
    turnUntilCopied();
    copier.close();
    giveUp(3);
    for (long cycle : letters.cycles()) {
      Files.delete(letters.cycle(cycle));
    }
    giveUp(1);

    turnUntilCopied();

    assertThat(topic.numbers()).containsExactly(1L, 2L, 6L);
    assertThat(told(Fact.LettersNotKept.class)).containsExactly(new Fact.LettersNotKept(3, 5));
  }

  /** An outbox of many would never be let go of. */
  @Test
  void lettersThatAreLostAreNotWaitedFor() throws IOException {
    giveUp(2);
    turnUntilCopied();
    copier.close();
    giveUp(3);
    for (long cycle : letters.cycles()) {
      Files.delete(letters.cycle(cycle));
    }

    turnUntil(() -> !told(Fact.LettersNotKept.class).isEmpty());
    turnUntil(() -> topic.open == 0);
    assertThat(copier.left()).isZero();
    giveUp(1);
    turnUntilCopied();

    assertThat(topic.numbers()).containsExactly(1L, 2L, 6L);
    assertThat(told(Fact.LettersNotKept.class)).containsExactly(new Fact.LettersNotKept(3, 5));
  }

  /** What fails each time that it begins anew has not recovered for that. */
  @Test
  void whatAnotherVersionWroteIsATroubleThatDoesNotFlicker() throws IOException {
    giveUp(1);
    turnUntilCopied();
    giveUp(1);
    writeByAnotherVersion(2);

    turnUntil(() -> told(Fact.Failed.class).size() >= 3);

    assertThat(told(Fact.Recovered.class)).isEmpty();
    assertThat(topic.numbers()).containsExactly(1L);
  }

  @Test
  void aLetterWhoseEventIsDamagedIsPassedOver() throws IOException {
    giveUp(1);
    try (QueueWriter writer =
        QueueWriter.open(WriterOptions.deadLetters(outbox.paths).withTrustParent(true))) {
      writer.append(OutboxEvent.of("orders", "no record"));
    }

    turnUntilCopied();

    assertThat(topic.numbers()).containsExactly(1L);
    assertThat(told(Fact.LetterNotCopied.class))
        .extracting(Fact.LetterNotCopied::number)
        .containsExactly(2L);
  }

  @Test
  void aDiskThatTakesNoPositionIsATroubleAndCopiesGoOn() throws IOException {
    giveUp(2);
    KillingDisk counting = KillingDisk.never();
    copier = copier(counting.disk());
    turnUntilCopied();
    giveUp(2);
    int next = counting.steps.lastIndexOf("write POSITION");
    copier.close();
    Files.delete(letters.copied());
    topic.taken.clear();

    copier = copier(KillingDisk.failingAt(next).disk());
    turnUntilCopied();
    turnUntil(() -> !told(Fact.Recovered.class).isEmpty());

    assertThat(topic.numbers()).isEqualTo(upTo(4));
    assertThat(told(Fact.Failed.class)).extracting(Fact.Failed::part).containsExactly(Part.COPY);
  }

  @Test
  void otherDeadLettersInTheirPlaceAreCopiedFromTheirFirstOn() throws IOException {
    giveUp(3);
    turnUntilCopied();
    topic.exists = false;
    giveUp(1);
    for (int i = 0; i < 100; i++) {
      turn();
    }
    Files.move(letters.root(), directory.resolve("moved away"));
    giveUp(2);
    topic.exists = true;

    turnUntilCopied();

    assertThat(topic.numbers()).endsWith(1L, 2L);
  }

  @Test
  void aPositionOfOtherLettersCountsAsNone() throws IOException {
    giveUp(2);
    turnUntilCopied();
    copier.close();
    byte[] copied = Files.readAllBytes(letters.copied());
    Files.move(letters.root(), directory.resolve("moved away"));
    giveUp(3);
    Files.write(letters.copied(), copied);
    topic.taken.clear();

    turnUntilCopied();

    assertThat(topic.numbers()).isEqualTo(upTo(3));
  }

  /** So that the number that was copied last is of none, of another one, or has others behind. */
  @ParameterizedTest
  @ValueSource(ints = {1, 3, 5})
  void lettersThatWerePutBackFromBeforeAreNotTakenForThoseThatWereCopied(int since)
      throws IOException {
    giveUp(1);
    Path before = directory.resolve("before");
    copy(letters.root(), before);
    giveUp(3);
    turnUntilCopied();
    copier.close();
    byte[] copied = Files.readAllBytes(letters.copied());
    Files.move(letters.root(), directory.resolve("moved away"));
    Files.move(before, letters.root());
    Files.write(letters.copied(), copied);
    giveUp(since);
    assertThat(CopiedLetters.left(letters)).isEqualTo(1 + since);
    topic.taken.clear();
    copier = copier(Disk.REAL);

    turnUntil(() -> topic.taken.size() > since);
    turnUntilCopied();

    assertThat(topic.numbers()).isEqualTo(upTo(1 + since));
  }

  @Test
  void lettersThatStandWhereSomeWereLostAreCopied() throws IOException {
    giveUp(2);
    Path before = directory.resolve("before");
    copy(letters.root(), before);
    giveUp(2);
    zeroFrom(3);
    turnUntilCopied();
    copier.close();
    byte[] copied = Files.readAllBytes(letters.copied());
    Files.move(letters.root(), directory.resolve("moved away"));
    Files.move(before, letters.root());
    Files.write(letters.copied(), copied);
    giveUp(4);
    topic.taken.clear();
    copier = copier(Disk.REAL);

    turnUntilCopied();

    assertThat(topic.numbers()).contains(3L, 4L, 5L, 6L);
  }

  @Test
  void whoseLettersAreNotToBeCopiedAnyMoreIsNotToldThatTheyAreLeft() throws IOException {
    giveUp(2);
    turnUntilCopied();
    copier.close();
    giveUp(3);
    assertThat(CopiedLetters.leftIfCopied(letters)).hasValue(3);

    CopiedLetters.switchOff(letters, Disk.REAL);
    CopiedLetters.switchOff(letters, Disk.REAL);

    assertThat(CopiedLetters.leftIfCopied(letters)).isEmpty();
    assertThat(CopiedLetters.left(letters)).as("if they were").isEqualTo(3);
    copier = copier(Disk.REAL);
    turnUntilCopied();
    assertThat(topic.numbers()).as("none twice").isEqualTo(upTo(5));
    giveUp(1);
    assertThat(CopiedLetters.leftIfCopied(letters)).hasValue(1);
  }

  @Test
  void switchedOffWhereThereWasNothingNothingIsDone() throws IOException {
    CopiedLetters.switchOff(letters, Disk.REAL);
    giveUp(1);
    CopiedLetters.switchOff(letters, Disk.REAL);
    assertThat(CopiedLetters.leftIfCopied(letters)).isEmpty();
    assertThat(CopiedLetters.left(letters)).isEqualTo(1);
  }

  /** Takes the bytes of the letter of this number, and of all behind it. */
  private void zeroFrom(long number) throws IOException {
    long cycle = letters.cycles().get(letters.cycles().size() - 1);
    try (CycleScanner scanner =
            CycleScanner.open(letters.cycle(cycle), OutboxIdentity.outboxOf(letters));
        FileChannel file = FileChannel.open(letters.cycle(cycle), StandardOpenOption.WRITE)) {
      CycleEntry at = scanner.at(scanner.start());
      while (at instanceof CycleEntry.Valid valid) {
        at = scanner.at(valid.next());
        if (valid.record().sequence() >= number) {
          file.write(
              ByteBuffer.allocate((int) (valid.next() - valid.offset() - 4)), valid.offset() + 4);
        }
      }
    }
  }

  /** The letter of this number, with a version that nobody knows. */
  private void writeByAnotherVersion(long number) throws IOException {
    long cycle = letters.cycles().get(letters.cycles().size() - 1);
    CycleId place = new CycleId(OutboxIdentity.outboxOf(letters), cycle);
    CycleEntry.Valid letter;
    try (CycleScanner scanner = CycleScanner.open(letters.cycle(cycle), place.outbox())) {
      letter = (CycleEntry.Valid) scanner.at(scanner.start());
      while (letter.record().sequence() < number) {
        letter = (CycleEntry.Valid) scanner.at(letter.next());
      }
    }
    ByteBuffer bytes = ByteBuffer.allocate(letter.record().length()).order(ByteOrder.LITTLE_ENDIAN);
    try (FileChannel file =
        FileChannel.open(letters.cycle(cycle), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      assertThat(file.read(bytes, letter.offset() + 4)).isEqualTo(bytes.capacity());
      bytes.put(8, (byte) 2);
      Records.sign(bytes, place, letter.offset());
      assertThat(file.write(bytes.position(0), letter.offset() + 4)).isEqualTo(bytes.capacity());
    }
  }

  private static void copy(Path from, Path to) throws IOException {
    try (var files = Files.walk(from)) {
      for (Path file : files.toList()) {
        Files.copy(file, to.resolve(from.relativize(file)));
      }
    }
  }

  @Test
  void whoseTopicIsMissingLeavesTheTurnToOthersAndHasItAgain() throws IOException {
    CopyTurns turns = new CopyTurns(1);
    copier = copier(Disk.REAL, turns);
    topic.exists = false;
    giveUp(2);
    turnUntil(() -> topic.senders == 1);
    GivenUp others = new GivenUp(directory.resolve("others"));
    others.add(OutboxEvent.of("orders", "v"), DeadLetterReason.TOO_LARGE);
    FakeTopic theirs = new FakeTopic();
    try (LetterCopier other = copier(others, theirs, Disk.REAL, turns)) {
      other.doWork();
      assertThat(theirs.senders).as("one at a time").isZero();
      turnUntil(
          () -> {
            other.doWork();
            theirs.answer();
            return theirs.taken.size() == 1;
          });
      assertThat(topic.open).isZero();
      topic.exists = true;
      turnUntil(
          () -> {
            other.doWork();
            theirs.answer();
            return topic.taken.size() == 2;
          });
      assertThat(topic.numbers()).containsExactly(1L, 2L);
      assertThat(theirs.taken).hasSize(1);
    }
  }

  @Test
  void whoEndsWaitsForNoTurnAnyMore() throws IOException {
    CopyTurns turns = new CopyTurns(1);
    LetterCopier first = copier(Disk.REAL, turns);
    copier = first;
    giveUp(1);
    turnUntil(() -> topic.senders == 1);
    try (LetterCopier second = copier(Disk.REAL, turns)) {
      second.doWork();
      assertThat(turns.areWanted(time.clocks().nanos())).isTrue();
    }
    assertThat(turns.areWanted(time.clocks().nanos())).isFalse();
    first.close();
    try (LetterCopier third = copier(Disk.REAL, turns)) {
      third.doWork();
      assertThat(topic.senders).isEqualTo(2);
    }
  }
}
