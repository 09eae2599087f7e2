package dev.outboxrelay.client.files;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.disk.DiskStep;
import dev.outboxrelay.client.disk.FaultyDisk;
import dev.outboxrelay.client.disk.WatchedDisk;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PositionFileTest {
  private static final UUID OUTBOX = UUID.randomUUID();

  @TempDir Path folder;
  private Path file;

  @BeforeEach
  void name() {
    file = folder.resolve("relay.position");
  }

  @Test
  void there_is_no_position_before_the_first_is_saved() throws IOException {
    assertEquals(new PositionFile.Reading.None(), PositionFile.read(file));
    PositionFile.open(file, Disk.REAL).close();
    assertEquals(new PositionFile.Reading.None(), PositionFile.read(file));
  }

  @Test
  void the_last_saved_position_holds_also_after_opening_again() throws IOException {
    for (int opened = 0; opened < 3; opened++) {
      try (PositionFile positions = PositionFile.open(file, Disk.REAL)) {
        for (int i = 0; i < 3; i++) {
          Position saved = position(10 * opened + i);
          positions.save(saved);
          assertEquals(Optional.of(saved), PositionFile.find(file));
        }
      }
    }
    assertEquals(PositionFile.FILE_BYTES, Files.size(file));
  }

  @Test
  void the_first_save_also_makes_the_name_durable_whoever_created_the_file() throws IOException {
    PositionFile.open(file, Disk.REAL).close(); // and was killed
    WatchedDisk watched = new WatchedDisk();
    String sync = "syncDirectory POSITION";
    try (PositionFile positions = PositionFile.open(file, watched.disk())) {
      watched.before(
          sync,
          () -> {
            throw new IOException("Input/output error");
          });
      assertThrows(IOException.class, () -> positions.save(position(1)));
      positions.save(position(2));
      positions.save(position(3));
      assertEquals(2, Collections.frequency(watched.operations(), sync));
      Files.delete(file); // whoever does that
      positions.save(position(4));
      positions.save(position(5));
      assertEquals(3, Collections.frequency(watched.operations(), sync));
    }
  }

  @Test
  void a_torn_slot_leaves_the_position_before() throws IOException {
    try (PositionFile positions = PositionFile.open(file, Disk.REAL)) {
      positions.save(position(1));
      positions.save(position(2));
      positions.save(position(3)); // in the first slot again
    }
    overwrite(60, 1);
    assertEquals(Optional.of(position(2)), PositionFile.find(file));
    try (PositionFile positions = PositionFile.open(file, Disk.REAL)) {
      positions.save(position(4)); // over the torn one
    }
    overwrite(4096 + 60, 1);
    assertEquals(Optional.of(position(4)), PositionFile.find(file));
  }

  @Test
  void a_save_that_fails_leaves_a_valid_position_and_the_next_one_holds() throws IOException {
    for (FaultyDisk.Fault fault :
        new FaultyDisk.Fault[] {FaultyDisk.Fault.NO_SPACE, FaultyDisk.Fault.IO_ERROR}) {
      Files.deleteIfExists(file);
      try (PositionFile positions =
          PositionFile.open(file, new FaultyDisk(DiskStep.POSITION, 5, fault))) {
        positions.save(position(1));
        assertThrows(IOException.class, () -> positions.save(position(2)));
        Position left = PositionFile.find(file).orElseThrow();
        assertTrue(left.equals(position(1)) || left.equals(position(2)));
        positions.save(position(3));
      }
      assertEquals(Optional.of(position(3)), PositionFile.find(file));
    }
  }

  @Test
  void a_file_without_a_valid_slot_is_damaged_not_empty() throws IOException {
    try (PositionFile positions = PositionFile.open(file, Disk.REAL)) {
      positions.save(position(1));
    }
    overwrite(20, 9);
    assertEquals(new PositionFile.Reading.Damaged(), PositionFile.read(file));
    assertEquals(Optional.empty(), PositionFile.find(file));
  }

  /** The kernel gives an I/O error for a page that is not there. */
  @Test
  void what_the_disk_does_not_give_is_damaged_not_empty() throws IOException {
    Path unreadable = Path.of("/proc/self/mem");
    assumeTrue(Files.isReadable(unreadable), "needs /proc");
    assertEquals(new PositionFile.Reading.Unreadable(), PositionFile.read(unreadable));
    assertEquals(Optional.empty(), PositionFile.find(unreadable));
  }

  @Test
  void a_mode_that_does_not_exist_is_no_position() throws IOException {
    try (PositionFile positions = PositionFile.open(file, Disk.REAL)) {
      positions.save(position(1));
      positions.save(position(2));
    }
    overwrite(4096 + 32, 7);
    assertEquals(Optional.of(position(1)), PositionFile.find(file));
  }

  @Test
  void a_truncated_file_still_gives_what_is_whole() throws IOException {
    try (PositionFile positions = PositionFile.open(file, Disk.REAL)) {
      positions.save(position(1));
      positions.save(position(2));
    }
    try (RandomAccessFile cut = new RandomAccessFile(file.toFile(), "rw")) {
      cut.setLength(4096 + 50);
    }
    assertEquals(Optional.of(position(1)), PositionFile.find(file));
  }

  private static Position position(long sequence) {
    return new Position(
        2,
        DeliveryMode.EXACTLY_ONCE,
        sequence,
        new UUID(sequence, 5),
        490_896,
        66_000 + 4 * sequence,
        490_896L << 32 | sequence,
        192,
        1_767_225_600_000L,
        OUTBOX,
        300 + sequence);
  }

  private void overwrite(long offset, int value) throws IOException {
    try (RandomAccessFile damaged = new RandomAccessFile(file.toFile(), "rw")) {
      damaged.seek(offset);
      damaged.write(value);
    }
  }
}
