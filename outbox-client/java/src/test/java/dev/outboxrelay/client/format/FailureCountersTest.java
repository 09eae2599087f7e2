package dev.outboxrelay.client.format;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.outboxrelay.client.EventTooLarge;
import dev.outboxrelay.client.InvalidEvent;
import dev.outboxrelay.client.OutboxBusy;
import dev.outboxrelay.client.OutboxCorrupt;
import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.OutboxFull;
import dev.outboxrelay.client.OutboxUnavailable;
import dev.outboxrelay.client.format.FailureCounters.Reason;
import java.io.IOException;
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
  void there_are_no_failures_without_a_file() throws IOException {
    assertEquals(0L, FailureCounters.read(file).get(Reason.FULL));
  }
}
