package dev.outboxrelay.client.writing;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.cycle.CycleEntry;
import dev.outboxrelay.client.cycle.CycleLayout;
import dev.outboxrelay.client.cycle.CycleScanner;
import dev.outboxrelay.client.files.MetadataTable;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.writing.QueueMaintenance.Deletion;
import dev.outboxrelay.client.writing.QueueMaintenance.Sealing;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An outbox with the cycles 0, 1, 2 and 3, two records in each. */
class QueueMaintenanceTest {
  @TempDir Path parent;

  private final MutableClock clock = new MutableClock(0);
  private OutboxPaths paths;
  private QueueWriter writer;
  private QueueMaintenance maintenance;

  @BeforeEach
  void open() {
    paths = new OutboxPaths(parent.resolve("outbox"));
    WriterOptions options = WriterOptions.of(paths).withClock(clock);
    writer = QueueWriter.open(options);
    for (long hour = 0; hour < 4; hour++) {
      clock.set(3_600_000 * hour);
      append();
      append();
    }
    maintenance = new QueueMaintenance(options);
  }

  @AfterEach
  void close() throws IOException {
    maintenance.close();
    writer.close();
  }

  @Test
  void a_cycle_whose_end_was_lost_is_sealed() throws IOException {
    overwrite(0, end(0), 0);
    assertEquals(Deletion.IS_NOT_SEALED, maintenance.delete(0));
    assertEquals(Sealing.SEALED, maintenance.seal(0));
    assertEquals(Sealing.WAS_SEALED, maintenance.seal(0));
    try (CycleScanner scanner = CycleScanner.open(paths.cycle(0), OutboxIdentity.outboxOf(paths))) {
      assertEquals(new CycleEntry.Eof(end(0)), scanner.at(end(0)));
    }
  }

  @Test
  void the_newest_cycle_is_neither_sealed_nor_deleted() throws IOException {
    assertEquals(Sealing.IS_NEWEST, maintenance.seal(3));
    assertEquals(Deletion.IS_NEWEST, maintenance.delete(3));
    append();
    assertEquals(List.of(0L, 1L, 2L, 3L), paths.cycles());
  }

  @Test
  void a_damaged_cycle_is_left_as_it_is() throws IOException {
    overwrite(1, end(1), CycleLayout.LENGTH_MASK);
    Golden.Contents before = Golden.load(paths.cycle(1));
    assertEquals(Sealing.IS_DAMAGED, maintenance.seal(1));
    assertEquals(Deletion.IS_NOT_SEALED, maintenance.delete(1));
    overwrite(2, 0, 0);
    assertEquals(Sealing.IS_DAMAGED, maintenance.seal(2));
    assertEquals(before, Golden.load(paths.cycle(1)));
  }

  @Test
  void a_sealed_cycle_is_deleted_and_its_listing_with_it() throws IOException {
    MetadataTable.Listing before = MetadataTable.read(paths.metadata()).orElseThrow();
    assertEquals(0, before.lowestCycle());
    assertEquals(Deletion.DELETED, maintenance.delete(0));
    assertEquals(Deletion.IS_MISSING, maintenance.delete(0));
    assertEquals(Sealing.IS_MISSING, maintenance.seal(0));
    assertEquals(List.of(1L, 2L, 3L), paths.cycles());
    assertEquals(
        new MetadataTable.Listing(3, 1, before.modCount() + 1),
        MetadataTable.read(paths.metadata()).orElseThrow());
    append();
    assertEquals(List.of(3L, 4L, 5L, 6L, 7L, 8L, 9L), ReadBack.sequences(paths.root()));
  }

  @Test
  void mending_repairs_what_a_writer_would() throws IOException {
    Files.delete(paths.metadata());
    overwrite(2, end(2), 0);
    maintenance.mend();
    assertEquals(
        new MetadataTable.Listing(3, 0, clock.millis()),
        MetadataTable.read(paths.metadata()).orElseThrow());
    assertEquals(Sealing.WAS_SEALED, maintenance.seal(2));
  }

  private void append() {
    writer.append(OutboxEvent.of("t", "x"));
  }

  private long end(long cycle) throws IOException {
    try (CycleScanner scanner =
        CycleScanner.open(paths.cycle(cycle), OutboxIdentity.outboxOf(paths))) {
      long at = scanner.start();
      while (scanner.at(at) instanceof CycleEntry.Valid valid) {
        at = valid.next();
      }
      return at;
    }
  }

  private void overwrite(long cycle, long offset, int word) throws IOException {
    try (RandomAccessFile out = new RandomAccessFile(paths.cycle(cycle).toFile(), "rw")) {
      out.seek(offset);
      out.writeInt(Integer.reverseBytes(word));
    }
  }
}
