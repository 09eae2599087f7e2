package dev.outboxrelay.relay.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.Receipt;
import dev.outboxrelay.client.files.FailureCounters;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.writing.QueueWriter;
import dev.outboxrelay.client.writing.WriterOptions;
import dev.outboxrelay.relay.sync.ImpossibleStates;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.OptionalLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LookoutTest {
  @TempDir private Path directory;
  private OutboxPaths paths;
  private QueueWriter writer;
  private Lookout lookout;
  private Receipt first;
  private Instant now = Instant.parse("2026-01-01T00:00:00Z");

  @BeforeEach
  void anOutboxWithAnEvent() {
    paths = new OutboxPaths(directory.resolve("outbox"));
    writer = QueueWriter.open(WriterOptions.of(paths).withTrustParent(true).withClock(() -> now));
    first = append();
    lookout = new Lookout(paths, first.outbox());
  }

  @AfterEach
  void close() {
    writer.close();
  }

  private Receipt append() {
    return writer.append(OutboxEvent.builder("orders").value("v").build());
  }

  private Look look(long settled, OldestWaiting oldest) {
    return lookout.look(Look.first(0, settled), settled, oldest, 17);
  }

  @Test
  void itSeesWhatWritersAppendedAndWhatTheDiskHolds() {
    Look before = look(1, null);
    append();
    now = now.plus(Duration.ofHours(1));
    append();
    Look after = look(1, null);

    assertThat(before.appendedSequence()).isEqualTo(1);
    assertThat(after.appendedSequence()).isEqualTo(3);
    assertThat(after.appendedBytes()).isGreaterThan(2 * before.appendedBytes());
    assertThat(after.cycles()).isEqualTo(2);
    assertThat(after.queueBytes()).isGreaterThan(before.queueBytes());
    assertThat(after.freeBytes()).isBetween(1L, after.totalBytes());
    assertThat(after.atNanos()).isEqualTo(17);
  }

  @Test
  void whatWaitsIsSearchedForOnlyIfSomethingDoes() {
    OldestWaiting found = (where, settled) -> OptionalLong.of(settled + 1_000);
    OldestWaiting failing =
        (where, settled) -> {
          throw new IOException("EIO");
        };

    assertThat(look(0, found).oldestMillis()).hasValue(1_000);
    assertThat(look(0, failing).oldestMillis()).isEmpty();
    assertThat(look(0, null).oldestMillis()).isEmpty();
    assertThat(look(1, found).oldestMillis()).isEmpty();
  }

  @Test
  void itReadsHowManyAppendsTheClientsRefused() throws IOException {
    assertThat(look(0, null).refused()).containsEntry(FailureCounters.Reason.FULL, 0L);
    ByteBuffer counters = ByteBuffer.allocate(512).order(ByteOrder.LITTLE_ENDIAN);
    counters.putLong(2 * Long.BYTES, 42);
    Files.write(paths.failures(), counters.array());

    assertThat(look(0, null).refused()).containsEntry(FailureCounters.Reason.FULL, 42L);
  }

  @Test
  void aQueueThatCannotBeReadIsNoReasonToForgetWhatIsSettled() throws IOException {
    Files.move(paths.root(), directory.resolve("elsewhere"));
    Look look = look(5, null);

    assertThat(look.appendedSequence()).isEqualTo(5);
    assertThat(look.freeBytes()).isEqualTo(-1);
  }

  @Test
  void aCycleThatWritersLeftAsDamagedCountsAsAppended() throws IOException {
    for (int i = 0; i < 9; i++) {
      append();
    }
    long before = look(0, null).appendedBytes();
    long each = before / 10;
    writer.close();
    try (RandomAccessFile cycle =
        new RandomAccessFile(paths.cycle(paths.cycles().get(0)).toFile(), "rw")) {
      cycle.seek(0x10110 + before - 20);
      cycle.write('x');
    }
    assertThat(look(0, null).appendedBytes()).isBetween(before - 2 * each, before);

    writer = QueueWriter.open(WriterOptions.of(paths).withTrustParent(true).withClock(() -> now));
    append();
    Look after = look(0, null);
    assertThat(paths.cycles()).hasSize(2);
    assertThat(after.appendedBytes()).isBetween(before - each, before + 2 * each);
  }

  @Test
  void whatWaitsIsNotForgottenWhileNothingCanBeSeenAndItsAgeGrows() throws IOException {
    append();
    Look before = look(0, null);
    assertThat(before.appendedSequence()).isEqualTo(2);
    Path queue = paths.queue();
    Path aside = directory.resolve("aside");
    Files.move(queue, aside);
    Files.createFile(queue);
    assertThat(lookout.look(before, 0, null, 99)).isSameAs(before);

    Files.delete(queue);
    Files.move(aside, queue);
    assertThat(lookout.look(before, 0, null, 99).atNanos()).isEqualTo(99);
  }

  @Test
  void aStateThatNoWriterOfOursWroteIsNoReasonToFail() throws IOException {
    Look before = look(0, null);
    ImpossibleStates.cycle(paths.state(), 1L << 40);

    assertThat(lookout.look(before, 0, null, 99)).isSameAs(before);
  }

  @Test
  void aStateThatIsNoFileIsNoneEither() throws IOException {
    Files.delete(paths.state());
    Files.createDirectory(paths.state());

    assertThat(look(5, null).appendedSequence()).isEqualTo(5);
    assertThat(lookout.appendedSequence(7)).isEqualTo(7);
  }

  @Test
  void theEndOfACycleIsFoundOnceAndThatOfTheNewestEachTime() throws IOException {
    now = now.plus(Duration.ofHours(1));
    append();
    Look before = look(0, null);
    try (RandomAccessFile older =
        new RandomAccessFile(paths.cycle(paths.cycles().get(0)).toFile(), "rw")) {
      older.write(new byte[1 << 16]);
    }

    assertThat(look(0, null).queueBytes()).isEqualTo(before.queueBytes());
    append();
    assertThat(look(0, null).queueBytes()).isGreaterThan(before.queueBytes());
    assertThat(new Lookout(paths, first.outbox()).look(before, 0, null, 0).queueBytes())
        .isLessThan(before.queueBytes());
  }

  @Test
  void ofThousandsOfCyclesAHundredAreLookedAtInOneGo() throws IOException {
    for (int hour = 1; hour < 150; hour++) {
      now = now.plus(Duration.ofHours(1));
      append();
    }
    long one = look(0, null).queueBytes() / 100;

    assertThat(look(0, null).queueBytes()).isBetween(149 * one, 151 * one);
    assertThat(look(0, null).cycles()).isEqualTo(150);
  }
}
