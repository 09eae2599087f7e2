package dev.outboxrelay.client.files;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.outboxrelay.client.disk.Disk;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MetadataTableTest {
  @TempDir Path folder;
  private Path file;

  @BeforeEach
  void name() {
    file = folder.resolve("metadata.cq4t");
  }

  @Test
  void a_new_table_is_sparse_and_says_that_there_is_no_cycle() throws IOException {
    open(List.of(), 5_000);
    assertEquals(
        Optional.of(new MetadataTable.Listing(Integer.MIN_VALUE, Integer.MAX_VALUE, 5_000)),
        MetadataTable.read(file));
    assertEquals(131_072, Files.size(file));
  }

  @Test
  void a_change_of_the_cycles_is_counted_and_no_change_is_not() throws IOException {
    open(List.of(), 5_000);
    open(List.of(7L), 5_000);
    open(List.of(7L), 5_000);
    open(List.of(7L, 9L), 5_000);
    assertEquals(Optional.of(new MetadataTable.Listing(9, 7, 5_002)), MetadataTable.read(file));
  }

  @Test
  void a_damaged_table_is_rewritten_in_place_with_the_time_as_its_count() throws IOException {
    open(List.of(7L), 5_000);
    Object inode = Files.getAttribute(file, "unix:ino");
    for (int size : new int[] {0, 100, 400, 131_071, 131_073, 200_000}) {
      try (RandomAccessFile damaged = new RandomAccessFile(file.toFile(), "rw")) {
        damaged.setLength(size);
      }
      assertEquals(Optional.empty(), MetadataTable.read(file));
      open(List.of(7L), 6_000);
      assertEquals(Optional.of(new MetadataTable.Listing(7, 7, 6_000)), MetadataTable.read(file));
    }
    for (int at : new int[] {0, 3, 0x50, 0x9C, 0xA1, 0xB7, 0xE8}) {
      try (RandomAccessFile damaged = new RandomAccessFile(file.toFile(), "rw")) {
        damaged.seek(at);
        damaged.write(0xFF);
      }
      assertEquals(Optional.empty(), MetadataTable.read(file), "damaged at " + at);
      open(List.of(7L), 7_000);
      assertEquals(Optional.of(new MetadataTable.Listing(7, 7, 7_000)), MetadataTable.read(file));
    }
    assertEquals(inode, Files.getAttribute(file, "unix:ino"));
  }

  /** The kernel gives an I/O error for a page that is not there. */
  @Test
  void what_the_disk_does_not_give_is_damaged() throws IOException {
    Path unreadable = Path.of("/proc/self/mem");
    assumeTrue(Files.isReadable(unreadable), "needs /proc");
    assertEquals(Optional.empty(), MetadataTable.read(unreadable));
  }

  private void open(List<Long> cycles, long now) throws IOException {
    MetadataTable.update(file, cycles, now, Disk.REAL);
  }
}
