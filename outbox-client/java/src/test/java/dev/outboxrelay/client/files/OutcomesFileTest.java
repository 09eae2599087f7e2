package dev.outboxrelay.client.files;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outboxrelay.client.DeliveryOutcome;
import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.disk.DiskStep;
import dev.outboxrelay.client.disk.FaultyDisk;
import dev.outboxrelay.client.disk.WatchedDisk;
import dev.outboxrelay.client.files.OutcomesFile.Range;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OutcomesFileTest {
  private static final Range PARKED = new Range(3, 5, DeliveryOutcome.PARKED);
  private static final Range DEAD = new Range(9, 9, DeliveryOutcome.DEAD);
  private static final Range AFTER_ALL = new Range(4, 4, DeliveryOutcome.DELIVERED);

  @TempDir Path folder;
  private Path file;

  @BeforeEach
  void name() {
    file = folder.resolve("relay.outcomes");
  }

  @Test
  void the_last_range_that_covers_a_sequence_holds() throws IOException {
    append(PARKED, DEAD);
    append(AFTER_ALL);
    assertEquals(List.of(PARKED, DEAD, AFTER_ALL), OutcomesFile.read(file));
    assertEquals(DeliveryOutcome.DELIVERED, OutcomesFile.outcomeOf(2, file));
    assertEquals(DeliveryOutcome.PARKED, OutcomesFile.outcomeOf(3, file));
    assertEquals(DeliveryOutcome.DELIVERED, OutcomesFile.outcomeOf(4, file));
    assertEquals(DeliveryOutcome.PARKED, OutcomesFile.outcomeOf(5, file));
    assertEquals(DeliveryOutcome.DEAD, OutcomesFile.outcomeOf(9, file));
  }

  @Test
  void the_first_entry_also_makes_the_name_durable_whoever_created_the_file() throws IOException {
    OutcomesFile.open(file, Disk.REAL).close(); // and was killed
    WatchedDisk watched = new WatchedDisk();
    String sync = "syncDirectory POSITION";
    try (OutcomesFile outcomes = OutcomesFile.open(file, watched.disk())) {
      watched.before(
          sync,
          () -> {
            throw new IOException("No space left on device");
          });
      assertThrows(IOException.class, () -> outcomes.append(List.of(PARKED)));
      outcomes.append(List.of(PARKED));
      outcomes.append(List.of(DEAD));
      assertEquals(2, Collections.frequency(watched.operations(), sync));
      watched.before(
          sync,
          () -> {
            throw new IOException("No space left on device");
          });
      assertThrows(IOException.class, () -> outcomes.rewrite(List.of(PARKED, DEAD)));
      outcomes.append(List.of(AFTER_ALL));
      assertEquals(4, Collections.frequency(watched.operations(), sync));
    }
    assertEquals(List.of(PARKED, DEAD, AFTER_ALL), OutcomesFile.read(file));
  }

  @Test
  void of_many_sequences_all_is_told_at_once() throws IOException {
    append(PARKED, DEAD);
    append(AFTER_ALL);
    Map<Long, DeliveryOutcome> expected =
        Map.of(
            2L, DeliveryOutcome.DELIVERED,
            3L, DeliveryOutcome.PARKED,
            4L, DeliveryOutcome.DELIVERED,
            5L, DeliveryOutcome.PARKED,
            9L, DeliveryOutcome.DEAD);
    assertEquals(expected, OutcomesFile.outcomesOf(expected.keySet(), file));
    assertEquals(Map.of(), OutcomesFile.outcomesOf(Set.of(), file));
  }

  @Test
  void no_file_means_that_all_was_delivered() throws IOException {
    assertEquals(List.of(), OutcomesFile.read(file));
    assertEquals(DeliveryOutcome.DELIVERED, OutcomesFile.outcomeOf(1, file));
  }

  @Test
  void a_torn_last_entry_is_ignored_and_overwritten() throws IOException {
    append(PARKED);
    Files.write(file, new byte[] {1, 2, 3}, StandardOpenOption.APPEND);
    assertEquals(List.of(PARKED), OutcomesFile.read(file));
    append(DEAD);
    assertEquals(List.of(PARKED, DEAD), OutcomesFile.read(file));
  }

  @Test
  void a_batch_of_which_a_power_cut_left_holes_is_read_around_them_and_continued()
      throws IOException {
    append(PARKED);
    Files.write(file, new byte[2 * OutcomesFile.ENTRY_BYTES], StandardOpenOption.APPEND);
    append(DEAD);
    assertEquals(List.of(PARKED, DEAD), OutcomesFile.read(file));
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.allocate(8), 0);
    }
    append(AFTER_ALL);
    assertEquals(List.of(DEAD, AFTER_ALL), OutcomesFile.read(file));
  }

  @Test
  void a_file_of_more_entries_than_fit_into_a_piece_is_read_and_continued() throws IOException {
    List<Range> many = new ArrayList<>();
    for (int i = 1; i <= 10_000; i++) {
      many.add(new Range(2L * i, 2L * i, DeliveryOutcome.DEAD));
    }
    append(many.toArray(Range[]::new));
    append(AFTER_ALL);
    assertEquals(10_001, OutcomesFile.read(file).size());
    assertEquals(DeliveryOutcome.DEAD, OutcomesFile.outcomeOf(2, file));
    assertEquals(DeliveryOutcome.DELIVERED, OutcomesFile.outcomeOf(3, file));
    assertEquals(DeliveryOutcome.DELIVERED, OutcomesFile.outcomeOf(4, file));
    assertEquals(DeliveryOutcome.DEAD, OutcomesFile.outcomeOf(20_000, file));
  }

  @Test
  void what_is_told_of_sequences_that_were_never_settled_is_of_another_life() throws IOException {
    append(PARKED, DEAD);
    try (OutcomesFile outcomes = OutcomesFile.open(file, Disk.REAL)) {
      outcomes.forgetBehind(4);
      outcomes.append(List.of(AFTER_ALL));
    }
    Range cut = new Range(3, 4, DeliveryOutcome.PARKED);
    assertEquals(List.of(cut, AFTER_ALL), OutcomesFile.read(file));
    try (OutcomesFile outcomes = OutcomesFile.open(file, Disk.REAL)) {
      outcomes.forgetBehind(0);
    }
    assertEquals(DeliveryOutcome.DELIVERED, OutcomesFile.outcomeOf(3, file));
  }

  @Test
  void where_the_disk_takes_nothing_all_goes_into_a_new_file() throws IOException {
    append(PARKED, DEAD);
    Object before = Files.getAttribute(file, "unix:ino");
    FaultyDisk disk = new FaultyDisk(DiskStep.POSITION, 1, FaultyDisk.Fault.IO_ERROR);
    try (OutcomesFile outcomes = OutcomesFile.open(file, disk)) {
      outcomes.append(List.of(AFTER_ALL));
    }
    assertEquals(List.of(PARKED, DEAD, AFTER_ALL), OutcomesFile.read(file));
    assertNotEquals(before, Files.getAttribute(file, "unix:ino"));
  }

  @Test
  void a_file_that_no_relay_wrote_is_refused_and_not_read() throws IOException {
    append(DEAD);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.allocate(1), 1L << 40);
    }
    IOException refused = assertThrows(IOException.class, () -> OutcomesFile.open(file, Disk.REAL));
    assertTrue(refused.getMessage().contains("remove it"), refused.getMessage());
  }

  @Test
  void a_replacement_that_fails_changes_nothing() throws IOException {
    append(PARKED, DEAD);
    for (int when = 1; when <= 3; when++) {
      FaultyDisk disk = new FaultyDisk(DiskStep.POSITION, when, FaultyDisk.Fault.IO_ERROR);
      try (OutcomesFile outcomes = OutcomesFile.open(file, disk)) {
        assertThrows(IOException.class, () -> outcomes.forgetBehind(5));
        assertEquals(List.of(PARKED, DEAD), OutcomesFile.read(file));
      }
    }
    append(AFTER_ALL);
    assertEquals(List.of(PARKED, DEAD, AFTER_ALL), OutcomesFile.read(file));
  }

  @Test
  void ranges_that_make_no_sense_cannot_be_made() {
    assertThrows(IllegalArgumentException.class, () -> new Range(0, 1, DeliveryOutcome.DEAD));
    assertThrows(IllegalArgumentException.class, () -> new Range(2, 1, DeliveryOutcome.DEAD));
    assertThrows(IllegalArgumentException.class, () -> new Range(1, 1, DeliveryOutcome.PENDING));
  }

  private void append(Range... ranges) throws IOException {
    try (OutcomesFile outcomes = OutcomesFile.open(file, Disk.REAL)) {
      outcomes.append(List.of(ranges));
    }
  }
}
