package dev.outboxrelay.relay.tail;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.cycle.CycleEntry;
import dev.outboxrelay.client.cycle.CycleScanner;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.writing.QueueWriter;
import dev.outboxrelay.client.writing.WriterOptions;
import dev.outboxrelay.relay.fact.Part;
import dev.outboxrelay.relay.pipeline.RecordingListener;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a reader meets while writers and operators are at work. */
class LiveQueueTest {
  @TempDir private Path directory;

  private final AtomicLong nanos = new AtomicLong();
  private final AtomicLong clock = new AtomicLong(System.currentTimeMillis());
  private final RecordingListener told = new RecordingListener();

  private OutboxPaths paths;
  private QueueWriter writer;
  private Tail tail;

  @BeforeEach
  void open() throws IOException {
    paths = new OutboxPaths(directory.resolve("outbox"));
    writer =
        QueueWriter.open(
            WriterOptions.of(paths)
                .withTrustParent(true)
                .withClock(() -> Instant.ofEpochMilli(clock.get())));
    // Each turn is a look.
    tail =
        new Tail(
            paths,
            OutboxIdentity.outboxOf(paths),
            told,
            () -> nanos.addAndGet(Duration.ofMillis(10).toNanos()));
  }

  @AfterEach
  void close() {
    tail.close();
    writer.close();
  }

  private void append(String value) {
    writer.append(OutboxEvent.of("topic", value));
  }

  private TailedRecord poll(int turns) {
    TailedRecord record = null;
    for (int i = 0; i < turns && record == null; i++) {
      record = tail.poll();
    }
    return record;
  }

  private static String value(TailedRecord record) {
    assertThat(record).isInstanceOf(TailedRecord.Intact.class);
    return new String(((TailedRecord.Intact) record).record().value(), StandardCharsets.UTF_8);
  }

  /** In some of the runs a look comes between the file and its first record. */
  @RepeatedTest(50)
  @Timeout(60)
  void aCycleThatIsEmptyWhenItIsFoundIsNotTakenForDamaged() {
    CompletableFuture<?> appended = CompletableFuture.runAsync(() -> append("first"));
    assertThat(value(poll(Integer.MAX_VALUE))).isEqualTo("first");
    appended.join();
    assertThat(told.standstills()).isEmpty();
  }

  @Test
  void aNewestCycleThatAnOperatorRemovedIsLeftForTheOneInWhichWritersGoOn() throws IOException {
    append("1");
    TailedRecord first = poll(1000);
    assertThat(poll(100)).isNull();
    Files.delete(paths.cycle(first.cycle()));
    assertThat(poll(100)).isNull();
    append("2");
    TailedRecord second = poll(1000);
    assertThat(value(second)).isEqualTo("2");
    assertThat(second.cycle()).isGreaterThan(first.cycle());
  }

  @Test
  void whatCannotBeReadIsToldAndReadLater() throws IOException {
    append("1");
    Path cycle = paths.cycle(paths.cycles().get(0));
    Path aside = directory.resolve("aside");
    Files.move(cycle, aside);
    Files.createDirectory(cycle);

    assertThat(poll(1000)).isNull();
    assertThat(told.failed(Part.READING)).isNotEmpty();
    assertThat(told.recovered(Part.READING)).isFalse();

    Files.delete(cycle);
    Files.move(aside, cycle);
    assertThat(value(poll(1000))).isEqualTo("1");
    assertThat(told.recovered(Part.READING)).isTrue();
    assertThat(told.standstills()).isEmpty();
  }

  /** As one without the right to pass a directory sees its files. */
  @Test
  void aCycleOfWhichNothingCanBeToldIsNotPassedOver() throws IOException {
    append("1");
    clock.addAndGet(Duration.ofHours(1).toMillis());
    append("2");
    Path cycle = paths.cycle(paths.cycles().get(0));
    Path aside = directory.resolve("aside");
    assertThat(value(poll(1000))).isEqualTo("1");
    tail.seek(new Place(paths.cycles().get(0), 0, 0));
    Files.move(cycle, aside);
    Files.createSymbolicLink(cycle, cycle);

    assertThat(poll(1000)).isNull();
    assertThat(told.failed(Part.READING)).isNotEmpty();

    Files.delete(cycle);
    Files.move(aside, cycle);
    assertThat(value(poll(1000))).isEqualTo("1");
    assertThat(value(poll(1000))).isEqualTo("2");
  }

  @Test
  void aBatchIsReadLikeOtherRecordsAndGoneOnWithinAfterARestart() {
    append("0");
    writer.appendAll(
        Stream.of("1", "2", "3").map(value -> OutboxEvent.of("topic", value)).toList());
    append("4");
    List<TailedRecord> records = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      records.add(poll(1000));
      assertThat(value(records.get(i))).isEqualTo(Integer.toString(i));
    }
    for (int i = 1; i < 5; i++) {
      tail.seek(new Place(records.get(i).cycle(), records.get(i).offset(), i));
      assertThat(value(poll(1000))).isEqualTo(Integer.toString(i));
    }
    assertThat(told.standstills()).isEmpty();
  }

  @Test
  void ofABatchThatIsNotWholeNothingIsDelivered() throws IOException {
    append("0");
    writer.appendAll(
        Stream.of("1", "2", "3").map(value -> OutboxEvent.of("topic", value)).toList());
    append("4");
    CycleEntry.Valid last = null;
    long newest = paths.cycles().get(0);
    try (CycleScanner scanner =
        CycleScanner.open(paths.cycle(newest), OutboxIdentity.outboxOf(paths))) {
      for (long at = scanner.start(), i = 0; i < 4; at = last.next(), i++) {
        last = (CycleEntry.Valid) scanner.at(at);
      }
    }
    try (FileChannel cycle = FileChannel.open(paths.cycle(newest), StandardOpenOption.WRITE)) {
      assertThat(cycle.write(ByteBuffer.wrap(new byte[] {-1}), last.offset() + 80)).isEqualTo(1);
    }
    List<String> read = new ArrayList<>();
    for (TailedRecord record = poll(1000); record != null; record = poll(1000)) {
      read.add(record instanceof TailedRecord.Damaged damaged ? damaged.reason() : value(record));
    }
    assertThat(read).containsExactly("0", "incomplete-batch", "crc", "4");
  }

  @Test
  void anEntryOverwritesWhatAChronicleAppenderThatDiedHasLeft() throws IOException {
    append("1");
    TailedRecord first = poll(1000);
    try (FileChannel cycle =
        FileChannel.open(paths.cycle(first.cycle()), StandardOpenOption.WRITE)) {
      byte[] notComplete = {0, 0, 0, (byte) 0x80};
      assertThat(cycle.write(ByteBuffer.wrap(notComplete), first.end())).isEqualTo(4);
    }
    assertThat(poll(100)).isNull();
    append("2");
    assertThat(value(poll(1000))).isEqualTo("2");
    assertThat(told.standstills()).isEmpty();
  }
}
