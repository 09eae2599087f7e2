package dev.outboxrelay.client.writing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outboxrelay.client.Durability;
import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.disk.DiskStep;
import dev.outboxrelay.client.disk.FaultyDisk;
import dev.outboxrelay.client.disk.FaultyDisk.Fault;
import dev.outboxrelay.client.disk.WatchedDisk;
import dev.outboxrelay.client.files.OutboxPaths;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.LongStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What is written ahead of the tail, and what is then stored there through the mapping. */
class SpaceAheadTest {
  private static final OutboxEvent EVENT = OutboxEvent.of("t", "x".repeat(1_000));
  private static final String WRITE = "write PAYLOAD";
  private static final String STORE = "store PAYLOAD";

  /** So many that a writer writes ahead. */
  private static final int MANY = 66;

  @TempDir Path parent;
  private OutboxPaths paths;
  private final AtomicLong now = new AtomicLong();

  @BeforeEach
  void name() {
    paths = new OutboxPaths(parent.resolve("outbox"));
  }

  @Test
  void records_are_stored_where_zeros_were_just_written() throws IOException {
    WatchedDisk watched = new WatchedDisk();
    try (QueueWriter writer = QueueWriter.open(options().withDisk(watched.disk()))) {
      append(writer, MANY);
      assertEquals(STORE, lastPayload(watched));
      now.addAndGet(2_000_000_000L); // the pages may be gone
      append(writer, 1);
      assertEquals(WRITE, lastPayload(watched));
      append(writer, 300); // the next piece
      assertEquals(STORE, lastPayload(watched));
    }
    assertTrue(watched.operations().stream().filter(STORE::equals).count() > 50);
    verify(MANY + 301);
  }

  @Test
  void a_record_that_does_not_fit_in_there_is_written() throws IOException {
    WatchedDisk watched = new WatchedDisk();
    try (QueueWriter writer = QueueWriter.open(options().withDisk(watched.disk()))) {
      append(writer, MANY);
      writer.append(OutboxEvent.of("t", new byte[600_000]));
      assertEquals(WRITE, lastPayload(watched));
    }
    verify(MANY + 1);
  }

  @Test
  void in_power_mode_nothing_is_written_ahead() throws IOException {
    WatchedDisk watched = new WatchedDisk();
    WriterOptions power = options().withDurability(Durability.POWER).withDisk(watched.disk());
    try (QueueWriter writer = QueueWriter.open(power)) {
      append(writer, MANY);
    }
    assertFalse(watched.operations().contains(STORE));
    assertFalse(watched.operations().contains("write AHEAD"));
  }

  @Test
  void what_stands_there_already_is_neither_overwritten_nor_stored_over() throws IOException {
    try (QueueWriter writer = QueueWriter.open(options())) {
      append(writer, 1);
    }
    try (java.io.RandomAccessFile file =
        new java.io.RandomAccessFile(paths.cycle(0).toFile(), "rw")) {
      file.seek(250_000); // a power cut left it
      file.write('x');
    }
    WatchedDisk watched = new WatchedDisk();
    try (QueueWriter writer = QueueWriter.open(options().withDisk(watched.disk()))) {
      append(writer, MANY);
      assertEquals(WRITE, lastPayload(watched));
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"DEATH", "DEATH_HALFWAY"})
  void a_writer_that_dies_while_it_stores_leaves_nothing_published(Fault fault) throws IOException {
    FaultyDisk disk = new FaultyDisk(DiskStep.PAYLOAD, MANY + 1, fault); // the first one maps
    QueueWriter dying = QueueWriter.open(options().withDisk(disk));
    assertThrows(FaultyDisk.Death.class, () -> append(dying, MANY));
    assertTrue(disk.happened());
    try (QueueWriter writer = QueueWriter.open(options())) {
      assertEquals(MANY, writer.append(OutboxEvent.of("t", "short")).sequence());
    }
    verify(MANY);
  }

  @Test
  void a_fault_of_the_mapping_there_is_no_clean_failure_as_it_may_come_late() throws IOException {
    FaultyDisk disk = new FaultyDisk(DiskStep.PAYLOAD, MANY + 1, Fault.IO_ERROR);
    try (QueueWriter writer = QueueWriter.open(options().withDisk(disk))) {
      OutboxError error = assertThrows(OutboxError.class, () -> append(writer, MANY));
      assertTrue(error.maybeAppended().isPresent());
      append(writer, 1);
    }
    verify(MANY);
  }

  private static void append(QueueWriter writer, int count) {
    for (int i = 0; i < count; i++) {
      writer.append(EVENT);
    }
  }

  private void verify(long count) throws IOException {
    assertEquals(
        LongStream.rangeClosed(1, count).boxed().toList(), ReadBack.sequences(paths.root()));
    assertEquals(List.of(), ReadBack.problems(paths.root()));
  }

  private static String lastPayload(WatchedDisk watched) {
    List<String> all =
        watched.operations().stream()
            .filter(each -> each.equals(WRITE) || each.equals(STORE))
            .toList();
    return all.get(all.size() - 1);
  }

  private WriterOptions options() {
    return WriterOptions.of(paths).withClock(new MutableClock(0)).withNanos(now::get);
  }
}
