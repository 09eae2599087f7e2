package dev.outboxrelay.client.files;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.outboxrelay.client.OutboxUnavailable;
import dev.outboxrelay.client.disk.Disk;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StateFileTest {
  private static final UUID ID = UUID.randomUUID();
  private static final Path UNREADABLE = Path.of("/proc/self/mem");

  @TempDir Path folder;
  private Path file;

  @BeforeEach
  void create() throws IOException {
    file = folder.resolve("outbox.state");
    try (StateFile state = StateFile.rewrite(file, ID, 3, 1_000, Disk.REAL)) {
      state.nextSequence(7);
    }
  }

  @Test
  void what_was_stored_is_read() throws IOException {
    OutboxState.NewestCycle newest = new OutboxState.NewestCycle(490_896, 4_711, 490_895);
    try (StateFile state = StateFile.open(file, Disk.REAL).orElseThrow()) {
      state.newest(newest);
      state.markFailed(0);
      state.markFailed(490_000);
      assertTrue(state.isNewest(490_896));
      assertFalse(state.isNewest(490_897));
    }
    OutboxState read = StateFile.read(file).orElseThrow();
    assertEquals(
        new OutboxState(ID, 3, 1_000, 7, Optional.of(newest), java.util.List.of(0L, 490_000L)),
        read);
  }

  @Test
  void a_new_state_knows_no_cycle() throws IOException {
    assertEquals(Optional.empty(), StateFile.read(file).orElseThrow().newest());
  }

  @Test
  void a_sequence_whose_complement_disagrees_is_not_used() throws IOException {
    overwrite(64, 8);
    assertEquals(0, StateFile.read(file).orElseThrow().nextSequence());
    try (StateFile state = StateFile.open(file, Disk.REAL).orElseThrow()) {
      assertEquals(0, state.nextSequence());
    }
  }

  @Test
  void the_seventeenth_failed_cycle_takes_the_place_of_the_oldest() throws IOException {
    try (StateFile state = StateFile.open(file, Disk.REAL).orElseThrow()) {
      for (long cycle = 100; cycle < 117; cycle++) {
        state.markFailed(cycle);
        state.markFailed(cycle);
      }
      assertFalse(state.isFailed(100));
      for (long cycle = 101; cycle < 117; cycle++) {
        assertTrue(state.isFailed(cycle));
      }
    }
  }

  @Test
  void what_is_no_sequence_is_not_used() throws IOException {
    for (long next : new long[] {0, -1, Long.MIN_VALUE}) {
      try (StateFile state = StateFile.open(file, Disk.REAL).orElseThrow()) {
        state.nextSequence(next);
        assertEquals(0, state.nextSequence());
      }
      assertEquals(0, StateFile.read(file).orElseThrow().nextSequence());
    }
  }

  /** The kernel gives this for a page that is not there. */
  @Test
  void what_the_disk_does_not_give_is_damaged() throws IOException {
    assumeTrue(Files.isReadable(UNREADABLE), "needs /proc");
    assertEquals(Optional.empty(), StateFile.read(UNREADABLE));
  }

  @Test
  void a_damaged_identity_or_length_is_not_opened() throws IOException {
    overwrite(20, 1);
    assertEquals(Optional.empty(), StateFile.open(file, Disk.REAL));
    assertEquals(Optional.empty(), StateFile.read(file));
  }

  @Test
  void a_file_that_is_cut_while_open_is_noticed() throws IOException {
    try (StateFile state = StateFile.open(file, Disk.REAL).orElseThrow()) {
      assertTrue(state.isAt(file));
      try (RandomAccessFile cut = new RandomAccessFile(file.toFile(), "rw")) {
        cut.setLength(100);
      }
      assertFalse(state.isAt(file));
    }
    assertEquals(Optional.empty(), StateFile.open(file, Disk.REAL));
  }

  @Test
  void a_state_of_a_later_version_is_never_rewritten() throws IOException {
    overwrite(8, 2);
    try (RandomAccessFile signed = new RandomAccessFile(file.toFile(), "rw")) {
      byte[] identity = new byte[40];
      signed.readFully(identity);
      java.util.zip.CRC32 crc = new java.util.zip.CRC32();
      crc.update(identity);
      signed.seek(40);
      signed.writeInt(Integer.reverseBytes((int) crc.getValue()));
    }
    assertThrows(OutboxUnavailable.class, () -> StateFile.read(file));
    assertThrows(OutboxUnavailable.class, () -> StateFile.open(file, Disk.REAL));
  }

  private void overwrite(long offset, int value) throws IOException {
    try (RandomAccessFile damaged = new RandomAccessFile(file.toFile(), "rw")) {
      damaged.seek(offset);
      damaged.write(value);
    }
  }
}
