package dev.outboxrelay.client.writing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outboxrelay.client.ChildProcess;
import dev.outboxrelay.client.Durability;
import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.OutboxUnavailable;
import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.disk.SyncedDisk;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.StateFile;
import dev.outboxrelay.client.files.SyncedRange;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** FORMAT.md, <i>Group commit</i>. */
@Timeout(value = 2, unit = TimeUnit.MINUTES)
class GroupCommitTest {
  private static final OutboxEvent EVENT = OutboxEvent.of("t", "x");
  private static final long FIRST = 0x10110;
  private static final long LENGTH = 4 + 76; // with its header word
  private static final long PROLOGUE = 40;

  @TempDir Path parent;
  private OutboxPaths paths;
  private final SyncedDisk disk = new SyncedDisk();
  private final ExecutorService threads = Executors.newCachedThreadPool();

  @BeforeEach
  void name() {
    paths = new OutboxPaths(parent.resolve("outbox"));
  }

  @AfterEach
  void end() {
    threads.shutdownNow();
  }

  @Test
  void an_error_that_one_thread_is_told_holds_for_all_who_had_appended() throws Exception {
    try (QueueWriter writer = QueueWriter.open(options())) {
      disk.onSync(
          number -> {
            if (number == 1) {
              disk.awaitPublished(2);
              throw new IOException("Input/output error"); // of both, and told once
            }
          });
      Future<OutboxError> one = threads.submit(failing(writer));
      disk.awaitPublished(1);
      Future<OutboxError> two = threads.submit(failing(writer));
      for (Future<OutboxError> each : List.of(one, two)) {
        OutboxError error = each.get();
        assertTrue(error instanceof OutboxUnavailable, String.valueOf(error));
        assertTrue(error.maybeAppended().isPresent());
      }
      assertEquals(3, writer.append(EVENT).sequence());
    }
    assertEquals(List.of(0L), StateFile.read(paths.state()).orElseThrow().failedCycles());
    assertEquals(List.of(0L, 1L), paths.cycles());
  }

  @Test
  void one_sync_serves_all_who_published_before_it() throws Exception {
    try (QueueWriter writer = QueueWriter.open(options())) {
      disk.onSync(
          number -> {
            if (number == 1) {
              disk.awaitPublished(8);
            }
          });
      List<Future<OutboxError>> all = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        all.add(threads.submit(failing(writer)));
      }
      for (Future<OutboxError> each : all) {
        assertNull(each.get());
      }
      assertTrue(disk.syncs() <= 2, "one of the first, one of all others: " + disk.syncs());
    }
    assertEquals(new SyncedRange(0, FIRST, FIRST + 7 * LENGTH + PROLOGUE), range());
  }

  @Test
  void whom_another_writers_sync_covers_needs_none() throws Exception {
    SyncedDisk another = new SyncedDisk();
    another.lockIsHeldElsewhere(true);
    WriterOptions patient = options().withDisk(another.disk()).withNanos(() -> 0);
    try (QueueWriter one = QueueWriter.open(options());
        QueueWriter two = QueueWriter.open(patient)) {
      one.append(EVENT); // so that its file is open before the other appends
      Future<OutboxError> covered = threads.submit(failing(two));
      another.awaitPublished(1);
      one.append(EVENT);
      assertNull(covered.get());
      assertEquals(0, another.syncs());
      assertEquals(2, disk.syncs());
    }
  }

  @Test
  void a_file_that_was_opened_later_vouches_for_nothing_before() throws Exception {
    try (QueueWriter process = QueueWriter.open(options().withDurability(Durability.PROCESS));
        QueueWriter power = QueueWriter.open(options())) {
      process.append(EVENT);
      power.append(EVENT);
      long second = FIRST + PROLOGUE + LENGTH;
      assertEquals(new SyncedRange(0, second, second), range());
      process.append(EVENT);
      power.append(EVENT);
      assertEquals(new SyncedRange(0, second, second + 2 * LENGTH), range());
      try (QueueWriter later = QueueWriter.open(options())) {
        later.append(EVENT);
        assertEquals(new SyncedRange(0, second, second + 3 * LENGTH), range(), "it goes on");
        process.append(EVENT);
      }
      try (QueueWriter after = QueueWriter.open(options())) {
        after.append(EVENT);
        long sixth = second + 5 * LENGTH;
        assertEquals(
            new SyncedRange(0, sixth, sixth), range(), "nobody vouched for the one before");
      }
    }
  }

  @Test
  void a_batch_is_covered_if_its_first_and_last_are() throws Exception {
    try (QueueWriter writer = QueueWriter.open(options())) {
      writer.appendAll(List.of(EVENT, EVENT, EVENT));
      assertEquals(new SyncedRange(0, FIRST, FIRST + PROLOGUE + 2 * LENGTH), range());
      assertEquals(1, disk.syncs());
    }
  }

  @Test
  void a_holder_of_the_sync_lock_that_is_stopped_costs_time_and_nothing_else() throws Exception {
    disk.lockIsHeldElsewhere(true);
    AtomicLong now = new AtomicLong();
    LongSupplier leaping = () -> now.addAndGet(60_000_000);
    try (QueueWriter writer = QueueWriter.open(options().withNanos(leaping))) {
      writer.append(EVENT);
      assertEquals(1, disk.syncs());
      assertNull(range(), "without the lock nothing is said");
      int tries = disk.lockTries();
      assertTrue(tries > 1);
      writer.append(EVENT);
      assertEquals(tries + 1, disk.lockTries(), "the holder was waited for once");
      assertEquals(2, disk.syncs());
      disk.lockIsHeldElsewhere(false);
      writer.append(EVENT);
      assertEquals(new SyncedRange(0, FIRST, FIRST + PROLOGUE + 2 * LENGTH), range());
    }
  }

  @Test
  void a_process_that_keeps_the_sync_lock_does_not_keep_appends() throws Exception {
    try (QueueWriter writer = QueueWriter.open(options())) {
      writer.append(EVENT);
      SyncedRange before = range();
      try (ChildProcess child = ChildProcess.holdingTheSyncLock(paths.root())) {
        assertEquals("held", child.readLine());
        assertEquals(2, writer.append(EVENT).sequence());
        assertEquals(before, range());
        child.kill();
        child.waitFor();
      }
      writer.append(EVENT);
      assertEquals(before.to() + PROLOGUE + 2 * LENGTH, range().to());
    }
  }

  @Test
  void a_failed_sync_extends_nothing_and_the_next_cycle_is_begun() throws Exception {
    try (QueueWriter writer = QueueWriter.open(options())) {
      writer.append(EVENT);
      SyncedRange before = range();
      disk.onSync(
          number -> {
            if (number == 2) {
              throw new IOException("Input/output error");
            }
          });
      assertTrue(failing(writer).call().maybeAppended().isPresent());
      assertEquals(before, range());
      writer.append(EVENT);
      assertEquals(new SyncedRange(1, FIRST, FIRST), range());
    }
  }

  @Test
  void a_failed_sync_tells_the_ids_that_nobody_else_knows() throws Exception {
    try (QueueWriter writer = QueueWriter.open(options())) {
      disk.onSync(
          number -> {
            throw new IOException("Input/output error");
          });
      OutboxError error =
          assertThrows(OutboxError.class, () -> writer.appendAll(List.of(EVENT, EVENT, EVENT)));
      List<UUID> ids = ReadBack.eventIds(paths.root());
      assertEquals(3, ids.size());
      assertEquals(ids, error.maybeAppendedIds());
      assertEquals(Optional.of(ids.get(0)), error.maybeAppended());
      assertTrue(
          error.getMessage().contains("the 3 events from " + ids.get(0)), error.getMessage());
    }
  }

  @Test
  void a_sync_that_ended_in_no_known_way_counts_as_failed() throws Exception {
    try (QueueWriter writer = QueueWriter.open(options())) {
      disk.onSync(
          number -> {
            if (number == 1) {
              throw new OutOfMemoryError("for a test");
            }
          });
      assertThrows(OutOfMemoryError.class, () -> writer.append(EVENT));
      assertTrue(failing(writer).call().maybeAppended().isPresent());
      assertEquals(1, disk.syncs(), "a second one might not be told of the error");
      writer.append(EVENT);
    }
    assertEquals(List.of(0L, 1L), paths.cycles());
  }

  @Test
  void a_range_that_covers_the_tail_is_cleared_before_anything_is_published() throws Exception {
    try (QueueWriter writer = QueueWriter.open(options())) {
      writer.append(EVENT);
      try (StateFile state = StateFile.open(paths.state(), Disk.REAL).orElseThrow()) {
        state.syncedRange(new SyncedRange(0, FIRST, 1 << 30));
      }
      disk.onSync(number -> assertNull(range()));
      writer.append(EVENT);
      assertEquals(2, disk.syncs(), "it was not believed");
    }
    assertEquals(new SyncedRange(0, FIRST, FIRST + PROLOGUE + LENGTH), range());
  }

  @Test
  void who_was_covered_stays_so_whatever_range_is_noted_next() throws Exception {
    CountDownLatch returned = new CountDownLatch(7);
    try (QueueWriter writer = QueueWriter.open(options())) {
      disk.onSync(
          number -> {
            if (number == 1) {
              disk.awaitPublished(8);
              noteInTurnUntil(returned);
            }
          });
      List<Future<OutboxError>> all = new ArrayList<>();
      all.add(threads.submit(failing(writer)));
      disk.awaitPublished(1);
      for (int i = 0; i < 7; i++) {
        all.add(
            threads.submit(
                () -> {
                  try {
                    return failing(writer).call();
                  } finally {
                    returned.countDown();
                  }
                }));
      }
      for (Future<OutboxError> each : all) {
        assertNull(each.get());
      }
    }
  }

  /** What other processes note: that all is on stable storage, and the same of another cycle. */
  private void noteInTurnUntil(CountDownLatch over) throws IOException {
    try (StateFile state = StateFile.open(paths.state(), Disk.REAL).orElseThrow()) {
      while (over.getCount() > 0) {
        state.syncedRange(new SyncedRange(0, FIRST, FIRST + 7 * LENGTH + PROLOGUE));
        state.syncedRange(new SyncedRange(1, FIRST, FIRST));
      }
    }
  }

  @Test
  void a_state_that_is_cut_meanwhile_costs_the_others_a_sync() throws Exception {
    disk.rangeCannotBeStored();
    try (QueueWriter writer = QueueWriter.open(options())) {
      writer.append(EVENT);
      writer.append(EVENT);
      assertEquals(2, disk.syncs());
      assertNull(range());
    }
  }

  /** The error of an append, or null. */
  private static Callable<OutboxError> failing(QueueWriter writer) {
    return () -> {
      try {
        writer.append(EVENT);
        return null;
      } catch (OutboxError e) {
        return e;
      }
    };
  }

  private SyncedRange range() throws IOException {
    try (StateFile state = StateFile.open(paths.state(), Disk.REAL).orElseThrow()) {
      return state.syncedRange();
    }
  }

  private WriterOptions options() {
    return WriterOptions.of(paths)
        .withClock(new MutableClock(0))
        .withDurability(Durability.POWER)
        .withDisk(disk.disk());
  }
}
