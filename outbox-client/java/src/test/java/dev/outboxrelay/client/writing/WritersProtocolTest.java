package dev.outboxrelay.client.writing;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outboxrelay.client.Durability;
import dev.outboxrelay.client.EventTooLarge;
import dev.outboxrelay.client.OutboxCorrupt;
import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.OutboxFull;
import dev.outboxrelay.client.OutboxUnavailable;
import dev.outboxrelay.client.Receipt;
import dev.outboxrelay.client.cycle.ChainWalk;
import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.disk.DiskStep;
import dev.outboxrelay.client.disk.FaultyDisk;
import dev.outboxrelay.client.disk.WatchedDisk;
import dev.outboxrelay.client.files.CycleFacts;
import dev.outboxrelay.client.files.DeliveryMode;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutboxReader;
import dev.outboxrelay.client.files.Position;
import dev.outboxrelay.client.files.PositionFile;
import dev.outboxrelay.client.files.StateFile;
import dev.outboxrelay.client.lock.LockDeadline;
import dev.outboxrelay.client.record.CycleId;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.stream.LongStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** Rules of the writers' protocol that no golden file of one writer can show. */
class WritersProtocolTest {
  private static final OutboxEvent EVENT = OutboxEvent.of("t", "x");
  private static final long HOUR = 3_600_000;

  @TempDir Path parent;

  private OutboxPaths paths;
  private MutableClock clock;

  @BeforeEach
  void prepare() {
    paths = new OutboxPaths(parent.resolve("outbox"));
    clock = new MutableClock(0);
  }

  @Test
  void an_append_to_a_failing_disk_goes_on_in_the_next_cycle() throws IOException {
    FaultyDisk disk = new FaultyDisk(DiskStep.PAYLOAD, 3, FaultyDisk.Fault.IO_ERROR);
    try (QueueWriter writer = QueueWriter.open(options().withDisk(disk))) {
      assertEquals(1, writer.append(EVENT).sequence());
      assertEquals(2, writer.append(EVENT).sequence());
      assertTrue(disk.happened());
      assertEquals(3, writer.append(EVENT).sequence());
    }
    assertEquals(List.of(0L, 1L), paths.cycles());
    assertEquals(List.of(0L), StateFile.read(paths.state()).orElseThrow().failedCycles());
    assertEquals(List.of(1L, 2L, 3L), ReadBack.sequences(paths.root()));
  }

  @Test
  void a_cycle_in_which_the_disk_takes_no_eof_is_failed_and_writers_go_on() throws IOException {
    FaultyDisk disk = new FaultyDisk(DiskStep.EOF_TAIL, 1, FaultyDisk.Fault.IO_ERROR);
    try (QueueWriter writer = QueueWriter.open(options().withDisk(disk))) {
      writer.append(EVENT);
      clock.set(HOUR);
      assertEquals(2, writer.append(EVENT).sequence());
      assertTrue(disk.happened());
      assertEquals(3, writer.append(EVENT).sequence());
    }
    assertEquals(List.of(0L, 1L), paths.cycles());
    assertEquals(List.of(0L), StateFile.read(paths.state()).orElseThrow().failedCycles());
    assertEquals(List.of(1L, 2L, 3L), ReadBack.sequences(paths.root()));
  }

  /** It counted nothing: several times the cap was let through, and the lag was 0 meanwhile. */
  @Test
  void a_failed_cycle_counts_towards_the_cap_and_the_lag() throws IOException {
    long cap = 50_000;
    OutboxEvent event = OutboxEvent.of("t", new byte[600]);
    try (QueueWriter writer = QueueWriter.open(options())) {
      for (int i = 0; i < 60; i++) {
        writer.append(event);
      }
    }
    OutboxReader reader = new OutboxReader(paths);
    long data = reader.status().lagBytes();
    long each = (data - 40) / 60;
    int inTheLast = 65_808 + (int) (data - 300);
    overwrite(paths.cycle(0), inTheLast, new byte[] {1});
    long damaged = reader.status().lagBytes();
    assertTrue(damaged >= data - each && damaged <= data, "lag " + damaged);

    clock.set(HOUR);
    int appended = 0;
    try (QueueWriter writer = QueueWriter.open(options().withMaxBytes(cap))) {
      while (appended < 200) {
        writer.append(event);
        appended++;
      }
    } catch (OutboxFull full) {
      assertEquals(List.of(0L), StateFile.read(paths.state()).orElseThrow().failedCycles());
    }
    long lag = reader.status().lagBytes();
    assertTrue(lag >= data - each && lag <= cap, "lag " + lag);
    assertTrue(data - each + appended * each <= cap, appended + " more were let through");
    assertTrue(lag + 2 * each > cap, "the cap is used up at " + lag);
  }

  @Test
  void so_is_the_cycle_before_the_newest_at_open() throws IOException {
    try (QueueWriter writer = QueueWriter.open(options())) {
      writer.append(EVENT);
      clock.set(HOUR);
      writer.append(EVENT);
    }
    overwrite(paths.cycle(0), 65_808 + 120, new byte[8]);
    FaultyDisk disk = new FaultyDisk(DiskStep.EOF_TAIL, 1, FaultyDisk.Fault.IO_ERROR);
    try (QueueWriter writer = QueueWriter.open(options().withDisk(disk))) {
      assertTrue(disk.happened());
      assertEquals(3, writer.append(EVENT).sequence());
    }
    assertEquals(List.of(0L), StateFile.read(paths.state()).orElseThrow().failedCycles());
    assertEquals(List.of(1L, 2L, 3L), ReadBack.sequences(paths.root()));
  }

  @Test
  void a_clock_before_1970_is_refused_and_nothing_is_changed() throws IOException {
    clock.set(-1);
    assertUnavailable("1970", () -> QueueWriter.open(options()).close());
    assertFalse(Files.exists(paths.root()));
    clock.set(0);
    try (QueueWriter writer = QueueWriter.open(options())) {
      writer.append(EVENT);
      Golden.Contents before = Golden.load(paths.cycle(0));
      byte[] state = Files.readAllBytes(paths.state());
      Files.delete(paths.metadata()); // so that there is something to be mended
      clock.set(-1);
      assertUnavailable("1970", () -> writer.append(EVENT));
      assertUnavailable("1970", () -> QueueWriter.open(options()).close());
      assertFalse(Files.exists(paths.metadata()));
      assertEquals(before, Golden.load(paths.cycle(0)));
      assertArrayEquals(state, Files.readAllBytes(paths.state()));
      clock.set(0);
      assertEquals(2, writer.append(EVENT).sequence());
    }
  }

  @Test
  void a_state_that_names_no_sequence_is_damaged() throws IOException {
    QueueWriter.open(options()).close();
    nextSequence(Long.MIN_VALUE);
    try (QueueWriter writer = QueueWriter.open(options())) {
      assertEquals(1, writer.append(EVENT).sequence());
      nextSequence(-1);
      assertEquals(2, writer.append(EVENT).sequence());
    }
    assertEquals(List.of(0L), paths.cycles());
  }

  @Test
  void no_record_has_a_sequence_above_the_highest() throws IOException {
    QueueWriter.open(options()).close();
    nextSequence(Long.MAX_VALUE);
    try (QueueWriter writer = QueueWriter.open(options())) {
      assertThrows(OutboxCorrupt.class, () -> writer.appendAll(List.of(EVENT, EVENT)));
      assertEquals(Long.MAX_VALUE, writer.append(EVENT).sequence());
      for (long hour : new long[] {0, 0, 1}) { // nor is anything else done in vain
        clock.set(HOUR * hour);
        OutboxCorrupt error = assertThrows(OutboxCorrupt.class, () -> writer.append(EVENT));
        assertTrue(error.getMessage().startsWith("FORMAT I4 "), error.getMessage());
      }
    }
    assertEquals(List.of(0L), paths.cycles());
    assertEquals(List.of(), StateFile.read(paths.state()).orElseThrow().failedCycles());
    assertEquals(List.of(Long.MAX_VALUE), ReadBack.sequences(paths.root()));
  }

  @Test
  void a_position_behind_which_no_sequence_could_follow_is_not_gone_behind() throws IOException {
    QueueWriter.open(options()).close();
    for (long settled : new long[] {Long.MAX_VALUE, -1}) {
      save(UUID.randomUUID(), settled, 0, 0);
      try (QueueWriter writer = QueueWriter.open(options())) {
        writer.append(EVENT);
      }
    }
    assertEquals(List.of(1L, 2L), ReadBack.sequences(paths.root()));
  }

  @Test
  void an_append_that_the_cap_refuses_ends_and_begins_no_cycle() throws IOException {
    // With its prologue the first record takes 120 bytes, another 80.
    try (QueueWriter writer = QueueWriter.open(options().withMaxBytes(239))) {
      writer.append(EVENT);
      Golden.Contents before = Golden.load(paths.cycle(0));
      clock.set(HOUR);
      assertThrows(OutboxFull.class, () -> writer.append(EVENT));
      assertEquals(List.of(0L), paths.cycles());
      assertEquals(before, Golden.load(paths.cycle(0)));
      clock.set(0);
      writer.append(EVENT);
    }
  }

  @Test
  void a_directory_in_place_of_a_cycle_that_is_to_be_built_is_named() throws IOException {
    try (QueueWriter writer = QueueWriter.open(options())) {
      writer.append(EVENT);
      Path building = Files.createDirectory(paths.cycleBeingBuilt(1));
      clock.set(HOUR);
      for (int files = 0; files < 2; files++) {
        assertUnavailable(building + " is a directory", () -> writer.append(EVENT));
        assertUnavailable("remove it", () -> QueueWriter.open(options()).close());
        Files.write(building.resolve("file"), new byte[1]);
      }
      Files.delete(building.resolve("file"));
      Files.delete(building);
      assertEquals(2, writer.append(EVENT).sequence());
    }
  }

  @Test
  void a_new_cycle_never_replaces_a_file() throws IOException {
    WatchedDisk watched = new WatchedDisk();
    try (QueueWriter writer = QueueWriter.open(options().withDisk(watched.disk()))) {
      writer.append(EVENT);
      clock.set(HOUR);
      byte[] foreign = {1, 2, 3, 4};
      watched.before(
          "link LINK",
          () -> {
            Files.write(paths.cycle(1), foreign);
            own(paths.cycle(1));
          });
      assertEquals(2, writer.append(EVENT).sequence());
      assertArrayEquals(foreign, Files.readAllBytes(paths.cycle(1)));
    }
    assertEquals(List.of(0L, 1L, 2L), paths.cycles());
    assertEquals(List.of(), paths.leftovers());
    assertEquals(List.of(1L, 2L), ReadBack.sequences(paths.root()));
  }

  @Test
  void what_appears_at_the_tail_under_the_lock_is_not_overwritten() throws IOException {
    try (QueueWriter writer = QueueWriter.open(options())) {
      writer.append(EVENT);
    }
    CycleId id = new CycleId(OutboxIdentity.outboxOf(paths), 0);
    try (LockDeadline deadline = new LockDeadline(Duration.ZERO, new Random(1));
        HeldDirectories held = OutboxDirectory.hold(paths);
        StateFile state = StateFile.open(paths.state(), Disk.REAL).orElseThrow();
        CycleFile file = CycleFile.open(held, id, Disk.REAL).orElseThrow()) {
      assertEquals(ChainWalk.End.OPEN, file.findTail(state));
      overwrite(paths.cycle(0), file.end(), 72, 0, 0, 0);
      ByteBuffer frame = ByteBuffer.allocateDirect(4 + 72 + 8);
      OutboxCorrupt broken = assertThrows(OutboxCorrupt.class, () -> file.publish(frame, 72, 72));
      assertTrue(broken.getMessage().startsWith("FORMAT I2 "), broken.getMessage());
      assertThrows(OutboxCorrupt.class, () -> file.writeEof(deadline));
      assertArrayEquals(new byte[] {72, 0, 0, 0}, bytes(paths.cycle(0), file.end(), 4));
    }
  }

  @Test
  void nothing_but_zeros_is_overwritten_ahead_of_the_tail() throws IOException {
    try (QueueWriter writer = QueueWriter.open(options())) {
      writer.append(EVENT);
    }
    byte[] survivor = {'o', 'l', 'd'}; // of a power cut, so this writer has not begun the cycle
    overwrite(paths.cycle(0), 200_000, survivor);
    try (QueueWriter writer = QueueWriter.open(options())) {
      for (int i = 0; i < 100; i++) {
        writer.append(EVENT);
      }
      assertArrayEquals(survivor, bytes(paths.cycle(0), 200_000, 3));
    }
  }

  @Test
  void a_sync_that_an_interrupt_ends_goes_through_a_descriptor_that_was_open() throws IOException {
    WatchedDisk watched = new WatchedDisk();
    WriterOptions power = options().withDurability(Durability.POWER).withDisk(watched.disk());
    try (QueueWriter writer = QueueWriter.open(power)) {
      writer.append(EVENT);
      watched.before("sync PAYLOAD", () -> Thread.currentThread().interrupt());
      writer.append(EVENT);
      assertTrue(Thread.interrupted());
      assertEquals("sync PAYLOAD DESCRIPTOR", lastSync(watched.operations()));
      writer.append(EVENT);
      assertEquals("sync PAYLOAD", lastSync(watched.operations()));
    }
  }

  @Test
  void in_power_mode_the_names_are_synced_at_each_open() throws IOException {
    QueueWriter.open(options()).close();
    WatchedDisk watched = new WatchedDisk();
    QueueWriter.open(options().withDurability(Durability.POWER).withDisk(watched.disk())).close();
    assertEquals(3, Collections.frequency(watched.operations(), "syncDirectory LINK"));
  }

  @Test
  void a_writer_that_finds_what_a_later_version_wrote_changes_nothing() throws IOException {
    try (QueueWriter writer = QueueWriter.open(options())) {
      writer.append(EVENT);
    }
    overwrite(paths.state(), 8, 2, 0);
    // Its identity would be valid with that version.
    byte[] before = Files.readAllBytes(paths.state());
    java.util.zip.CRC32 crc = new java.util.zip.CRC32();
    crc.update(before, 0, 40);
    for (int i = 0; i < 4; i++) {
      before[40 + i] = (byte) (crc.getValue() >> (8 * i));
    }
    overwrite(paths.state(), 0, before);
    Files.delete(paths.metadata());
    assertThrows(OutboxUnavailable.class, () -> QueueWriter.open(options()).close());
    assertArrayEquals(before, Files.readAllBytes(paths.state()));
    assertFalse(Files.exists(paths.metadata()));
  }

  @Test
  void a_state_that_was_made_anew_is_gone_by() throws IOException {
    try (QueueWriter writer = QueueWriter.open(options())) {
      writer.append(EVENT);
      Files.delete(paths.state());
      try (QueueMaintenance another = new QueueMaintenance(options())) {
        another.markFailed(0);
      }
      writer.append(EVENT);
    }
    assertEquals(List.of(0L, 1L), paths.cycles());
    assertEquals(List.of(1L, 2L), ReadBack.sequences(paths.root()));
  }

  @Test
  void held_bytes_count_towards_the_cap() throws IOException {
    try (QueueWriter writer = QueueWriter.open(options().withMaxBytes(10_000))) {
      writer.append(EVENT);
      UUID outbox = OutboxIdentity.outboxOf(paths);
      save(outbox, 1, 0, 9_900);
    }
    try (QueueWriter writer = QueueWriter.open(options().withMaxBytes(10_000))) {
      assertThrows(OutboxFull.class, () -> writer.append(EVENT));
      save(OutboxIdentity.outboxOf(paths), 1, 100, 9_900);
      writer.append(EVENT);
    }
  }

  @Test
  void the_cap_looks_at_the_position_again_before_long() throws IOException {
    int appended = 0;
    try (QueueWriter writer = QueueWriter.open(options().withMaxBytes(20_000))) {
      writer.append(EVENT);
      save(OutboxIdentity.outboxOf(paths), 1, 0, 20_000);
      while (appended < 100) {
        writer.append(EVENT);
        appended++;
      }
    } catch (OutboxFull e) {
      assertTrue(appended < 6, appended + " were taken");
    }
    assertTrue(appended < 100, "none was refused");
  }

  @Test
  void sequences_go_on_behind_a_position_whichever_outbox_it_is_of() throws IOException {
    try (QueueWriter writer = QueueWriter.open(options())) {
      writer.append(EVENT);
    }
    save(UUID.randomUUID(), 41, 0, 0);
    try (QueueWriter writer = QueueWriter.open(options())) {
      assertEquals(42, writer.append(EVENT).sequence());
    }
    assertEquals(List.of(0L, 1L), paths.cycles(), "records are lost in the first");
  }

  @Test
  void a_batch_stands_together_and_is_all_there() throws IOException {
    List<OutboxEvent> events = new ArrayList<>();
    for (int i = 0; i < 1_000; i++) {
      events.add(OutboxEvent.builder("t").key("k" + i).value("x".repeat(i)).build());
    }
    try (QueueWriter writer = QueueWriter.open(options())) {
      assertEquals(List.of(), writer.appendAll(List.of()));
      writer.append(EVENT);
      List<Receipt> receipts = writer.appendAll(events);
      assertEquals(
          LongStream.rangeClosed(2, 1_001).boxed().toList(),
          receipts.stream().map(Receipt::sequence).toList());
      assertEquals(1_002, writer.append(EVENT).sequence());
    }
    assertEquals(1_002, ReadBack.sequences(paths.root()).size());
    assertEquals(List.of(), ReadBack.problems(paths.root()));
  }

  @Test
  void a_batch_whose_writer_died_is_whole_or_not_there() throws IOException {
    List<OutboxEvent> events = Collections.nCopies(300, EVENT);
    for (FaultyDisk.Fault fault : List.of(FaultyDisk.Fault.DEATH, FaultyDisk.Fault.DEATH_HALFWAY)) {
      for (DiskStep step : List.of(DiskStep.PAYLOAD, DiskStep.PUBLISH, DiskStep.WORD1)) {
        if (fault.halfway() && step != DiskStep.PAYLOAD) {
          continue;
        }
        OutboxPaths own = new OutboxPaths(parent.resolve(step + "-" + fault));
        WriterOptions options = WriterOptions.of(own).withClock(clock);
        try (QueueWriter writer = QueueWriter.open(options)) {
          writer.append(EVENT);
        }
        int when = step == DiskStep.PAYLOAD ? 2 : 1; // the first one maps the file
        FaultyDisk disk = new FaultyDisk(step, when, fault);
        QueueWriter dying = QueueWriter.open(options.withDisk(disk));
        if (step == DiskStep.WORD1) {
          assertEquals(300, dying.appendAll(events).size());
        } else {
          assertThrows(FaultyDisk.Death.class, () -> dying.appendAll(events));
        }
        try (QueueWriter writer = QueueWriter.open(options)) {
          writer.append(EVENT);
        }
        long expected = step == DiskStep.WORD1 ? 302 : 2;
        assertEquals(
            LongStream.rangeClosed(1, expected).boxed().toList(),
            ReadBack.sequences(own.root()),
            step + " " + fault);
      }
    }
  }

  @Test
  void a_batch_that_can_never_fit_is_refused() {
    try (QueueWriter writer = QueueWriter.open(options())) {
      assertThrows(EventTooLarge.class, () -> writer.appendAll(Collections.nCopies(10_001, EVENT)));
      OutboxEvent large = OutboxEvent.of("t", new byte[1_000_000]);
      assertThrows(EventTooLarge.class, () -> writer.appendAll(Collections.nCopies(9, large)));
      assertEquals(1, writer.append(EVENT).sequence());
    }
  }

  @Test
  void eof_does_not_hide_a_record_behind_the_tail_of_the_cycle_before() throws IOException {
    try (QueueWriter writer = QueueWriter.open(options())) {
      for (int i = 0; i < 3; i++) {
        writer.append(EVENT);
      }
      clock.set(HOUR);
      writer.append(EVENT);
    }
    // A power cut took the second record and what was written into page 0 since the first.
    UUID outbox = OutboxIdentity.outboxOf(paths);
    long first = 65_808;
    long end = first + CycleFacts.read(paths.cycle(0), outbox).recordBytes();
    long second = end - 2 * (end - first - 40) / 3;
    overwrite(paths.cycle(0), 0x40, (byte) first, (byte) (first >> 8), (byte) (first >> 16));
    overwrite(paths.cycle(0), second, new byte[80]);
    overwrite(paths.cycle(0), end, new byte[8]);
    QueueWriter.open(options()).close();
    assertEquals(List.of(0L), StateFile.read(paths.state()).orElseThrow().failedCycles());
    assertEquals(List.of(1L, 3L, 4L), ReadBack.sequences(paths.root()));
  }

  private static void assertUnavailable(String text, Executable action) {
    OutboxUnavailable error = assertThrows(OutboxUnavailable.class, action);
    assertTrue(error.getMessage().contains(text), error.getMessage());
  }

  private void nextSequence(long next) throws IOException {
    try (StateFile state = StateFile.open(paths.state(), Disk.REAL).orElseThrow()) {
      state.nextSequence(next);
    }
  }

  private WriterOptions options() {
    return WriterOptions.of(paths).withClock(clock);
  }

  private void save(UUID outbox, long sequence, long settled, long held) throws IOException {
    try (PositionFile file = PositionFile.open(paths.position(), Disk.REAL)) {
      file.save(
          new Position(
              1,
              DeliveryMode.AT_LEAST_ONCE,
              sequence,
              new UUID(0, 0),
              0,
              65_808,
              0,
              settled,
              0,
              outbox,
              held));
    }
  }

  private static void own(Path file) throws IOException {
    Files.setAttribute(file, "unix:mode", 0660);
  }

  private static String lastSync(List<String> operations) {
    List<String> syncs = operations.stream().filter(each -> each.startsWith("sync ")).toList();
    return syncs.get(syncs.size() - 1);
  }

  private static void overwrite(Path file, long offset, int... bytes) throws IOException {
    byte[] all = new byte[bytes.length];
    for (int i = 0; i < bytes.length; i++) {
      all[i] = (byte) bytes[i];
    }
    overwrite(file, offset, all);
  }

  private static void overwrite(Path file, long offset, byte[] bytes) throws IOException {
    try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
      out.seek(offset);
      out.write(bytes);
    }
  }

  private static byte[] bytes(Path file, long offset, int length) throws IOException {
    byte[] bytes = new byte[length];
    try (RandomAccessFile in = new RandomAccessFile(file.toFile(), "r")) {
      in.seek(offset);
      in.readFully(bytes);
    }
    return bytes;
  }
}
