package dev.outboxrelay.client.files;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outboxrelay.client.EventTooLarge;
import dev.outboxrelay.client.InvalidEvent;
import dev.outboxrelay.client.OutboxBusy;
import dev.outboxrelay.client.OutboxCorrupt;
import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.OutboxFull;
import dev.outboxrelay.client.OutboxUnavailable;
import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.disk.DiskStep;
import dev.outboxrelay.client.disk.FaultyDisk;
import dev.outboxrelay.client.files.FailureCounters.Reason;
import dev.outboxrelay.client.writing.QueueWriter;
import dev.outboxrelay.client.writing.WriterOptions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FailureCountersTest {
  @TempDir Path folder;
  private Path file;

  @BeforeEach
  void name() {
    file = folder.resolve("append.failures");
  }

  @Test
  void each_kind_of_error_has_a_counter() throws IOException {
    FailureCounters counters = new FailureCounters(file, Disk.REAL);
    OutboxError[] errors = {
      new EventTooLarge("x"),
      new InvalidEvent("x"),
      new OutboxFull("x"),
      new OutboxBusy("x"),
      new OutboxCorrupt("x"),
      new OutboxUnavailable("x")
    };
    for (int i = 0; i < errors.length; i++) {
      for (int times = 0; times <= i; times++) {
        counters.count(errors[i]);
      }
    }
    assertEquals(
        Map.of(
            Reason.TOO_LARGE, 1L,
            Reason.INVALID, 2L,
            Reason.FULL, 3L,
            Reason.BUSY, 4L,
            Reason.CORRUPT, 5L,
            Reason.UNAVAILABLE, 6L),
        FailureCounters.read(file));
    assertEquals(512, Files.size(file));
  }

  @Test
  void a_refused_append_is_counted() throws IOException {
    OutboxPaths paths = new OutboxPaths(folder.resolve("outbox"));
    try (QueueWriter writer = QueueWriter.open(WriterOptions.of(paths))) {
      assertThrows(
          EventTooLarge.class, () -> writer.append(OutboxEvent.of("t", new byte[2 << 20])));
      assertThrows(InvalidEvent.class, () -> writer.append(OutboxEvent.of("a b", "x")));
      writer.append(OutboxEvent.of("t", "x"));
    }
    Map<Reason, Long> counts = FailureCounters.read(paths.failures());
    assertEquals(1L, counts.get(Reason.TOO_LARGE));
    assertEquals(1L, counts.get(Reason.INVALID));
    assertEquals(0L, counts.get(Reason.UNAVAILABLE));
  }

  @Test
  void counting_neither_waits_nor_fails() throws IOException {
    FailureCounters counters = new FailureCounters(file, Disk.REAL);
    counters.count(new OutboxBusy("x"));
    try (FileChannel channel =
            FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE);
        FileLock lock = channel.lock(3, 1, false)) {
      assertEquals(3, lock.position());
      counters.count(new OutboxBusy("x"));
    }
    assertEquals(1L, FailureCounters.read(file).get(Reason.BUSY));
    new FailureCounters(folder.resolve("missing/file"), Disk.REAL).count(new OutboxBusy("x"));
  }

  @Test
  void the_file_is_made_with_the_outbox_and_filled_up_when_it_is_short() throws IOException {
    OutboxPaths paths = new OutboxPaths(folder.resolve("outbox"));
    QueueWriter.open(WriterOptions.of(paths)).close();
    assertEquals(512, Files.size(paths.failures()));
    byte[] counted = ByteBuffer.allocate(24).order(ByteOrder.LITTLE_ENDIAN).putLong(16, 7).array();
    Files.write(paths.failures(), counted);
    QueueWriter.open(WriterOptions.of(paths)).close();
    assertEquals(512, Files.size(paths.failures()));
    assertEquals(7L, FailureCounters.read(paths.failures()).get(Reason.FULL));
  }

  @Test
  void the_file_is_made_by_a_writer_that_is_open_when_the_outbox_is_replaced() throws IOException {
    OutboxPaths paths = new OutboxPaths(folder.resolve("outbox"));
    try (QueueWriter writer = QueueWriter.open(WriterOptions.of(paths))) {
      Files.move(paths.root(), folder.resolve("former"));
      Files.createDirectory(paths.root());
      writer.append(OutboxEvent.of("t", "x"));
    }
    assertEquals(512, Files.size(paths.failures()));
  }

  @Test
  void a_disk_that_cannot_take_the_file_does_not_fail_the_open() throws IOException {
    OutboxPaths paths = new OutboxPaths(folder.resolve("outbox"));
    FaultyDisk full = new FaultyDisk(DiskStep.FAILURES, 1, FaultyDisk.Fault.NO_SPACE);
    try (QueueWriter writer = QueueWriter.open(WriterOptions.of(paths).withDisk(full))) {
      assertTrue(full.happened());
      writer.append(OutboxEvent.of("t", "x"));
    }
  }

  @Test
  void a_reader_makes_no_file() throws IOException {
    OutboxPaths paths = new OutboxPaths(folder.resolve("outbox"));
    QueueWriter.open(WriterOptions.of(paths)).close();
    Files.delete(paths.failures());
    new OutboxReader(paths).status();
    assertFalse(Files.exists(paths.failures()));
  }

  @Test
  void there_are_no_failures_without_a_file() throws IOException {
    assertEquals(0L, FailureCounters.read(file).get(Reason.FULL));
  }
}
