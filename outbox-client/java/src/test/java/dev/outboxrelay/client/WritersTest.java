package dev.outboxrelay.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outboxrelay.client.files.FailureCounters;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.client.writing.ReadBack;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Several writers at once, in threads and processes, and an operator who takes files away. */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class WritersTest {
  @TempDir Path parent;
  private Path path;
  private OutboxPaths paths;

  @BeforeEach
  void name() {
    path = parent.resolve("outbox");
    paths = new OutboxPaths(path);
  }

  @Test
  void eight_threads_share_one_outbox() throws Exception {
    try (Outbox outbox = Outbox.open(path)) {
      inThreads(8, thread -> appendMany(outbox, thread, 2_000));
    }
    verifyWriters(8, 2_000);
  }

  @Test
  void eight_threads_have_an_outbox_each() throws Exception {
    inThreads(
        8,
        thread -> {
          try (Outbox outbox = Outbox.open(path)) {
            appendMany(outbox, thread, 500);
          }
        });
    verifyWriters(8, 500);
  }

  @Test
  void power_appends_of_several_threads_and_rolls_do_not_disturb_each_other() throws Exception {
    try (Outbox outbox = Outbox.builder().path(path).durability(Durability.POWER).open()) {
      inThreads(8, thread -> appendMany(outbox, thread, 50));
    }
    verifyWriters(8, 50);
  }

  @Test
  void power_appends_of_four_processes_and_eight_threads_are_all_there() throws Exception {
    List<ChildProcess> children = new ArrayList<>();
    try (Outbox outbox = Outbox.builder().path(path).durability(Durability.POWER).open()) {
      for (int i = 0; i < 4; i++) {
        children.add(ChildProcess.appendingInPower(path, 100));
      }
      inThreads(8, thread -> appendMany(outbox, thread, 50));
      List<UUID> acked = new ArrayList<>();
      for (ChildProcess child : children) {
        for (String line = child.readLine(); line != null; line = child.readLine()) {
          acked.add(idOf(line));
        }
      }
      assertEquals(400, acked.size());
      assertTrue(ReadBack.eventIds(path).containsAll(acked));
      assertEquals(LongStream.rangeClosed(1, 800).boxed().toList(), ReadBack.sequences(path));
    } finally {
      for (ChildProcess child : children) {
        child.close();
      }
    }
  }

  @Test
  void interrupts_neither_end_appends_nor_get_lost() throws Exception {
    for (Durability durability : Durability.values()) {
      int count = durability == Durability.POWER ? 200 : 4_000;
      Path own = parent.resolve(durability.toString());
      AtomicBoolean done = new AtomicBoolean();
      List<Throwable> failures = Collections.synchronizedList(new ArrayList<>());
      try (Outbox outbox = Outbox.builder().path(own).durability(durability).open();
          Outbox second = Outbox.builder().path(own).durability(durability).open()) {
        List<Thread> threads = new ArrayList<>();
        for (Outbox each : List.of(outbox, outbox, second)) {
          Thread thread =
              new Thread(
                  () -> {
                    try {
                      for (int i = 0; i < count; i++) {
                        Thread.currentThread().interrupt();
                        each.append(OutboxEvent.of("t", "x"));
                        assertTrue(Thread.currentThread().isInterrupted(), "the flag is kept");
                        Thread.interrupted();
                        each.append(OutboxEvent.of("t", "y"));
                      }
                    } catch (Throwable e) {
                      failures.add(e);
                    }
                  });
          threads.add(thread);
          thread.start();
        }
        Thread interrupter =
            new Thread(
                () -> {
                  Random random = new Random(1);
                  while (!done.get()) {
                    threads.get(random.nextInt(threads.size())).interrupt();
                    LockSupport.parkNanos(random.nextInt(200_000));
                  }
                });
        interrupter.start();
        for (Thread thread : threads) {
          thread.join();
        }
        done.set(true);
        interrupter.join();
      }
      assertEquals(List.of(), failures);
      assertEquals(LongStream.rangeClosed(1, 6L * count).boxed().toList(), ReadBack.sequences(own));
    }
  }

  @Test
  void an_append_is_busy_while_another_process_holds_the_lock() throws Exception {
    try (Outbox outbox = Outbox.builder().path(path).lockTimeout(Duration.ofMillis(50)).open()) {
      outbox.append(OutboxEvent.of("t", "x"));
      try (ChildProcess child = ChildProcess.holdingTheLock(path)) {
        assertEquals("held", child.readLine());
        OutboxBusy error =
            assertThrows(OutboxBusy.class, () -> outbox.append(OutboxEvent.of("t", "y")));
        assertTrue(error.getMessage().contains("another process"), error.getMessage());
        assertTrue(error.maybeAppended().isEmpty());
        assertTrue(error.maybeAppendedIds().isEmpty());
        child.kill();
        child.waitFor();
      }
      assertEquals(2, outbox.append(OutboxEvent.of("t", "z")).sequence());
      assertEquals(1L, FailureCounters.read(paths.failures()).get(FailureCounters.Reason.BUSY));
    }
  }

  @Test
  void an_append_waits_for_a_process_that_releases_the_lock() throws Exception {
    try (Outbox outbox = Outbox.builder().path(path).lockTimeout(Duration.ofMinutes(5)).open();
        ChildProcess child = ChildProcess.holdingTheLock(path)) {
      assertEquals("held", child.readLine());
      Thread killer =
          new Thread(
              () -> {
                try {
                  child.kill();
                } catch (IOException e) {
                  throw new java.io.UncheckedIOException(e);
                }
              });
      killer.start();
      assertEquals(1, outbox.append(OutboxEvent.of("t", "x")).sequence());
      killer.join();
    }
  }

  @Test
  void writers_that_are_killed_lose_nothing_acked() throws Exception {
    List<UUID> acked = new ArrayList<>();
    Random random = new Random(2);
    for (int round = 0; round < 6; round++) {
      try (ChildProcess one = ChildProcess.appending(path, Integer.MAX_VALUE);
          ChildProcess two = ChildProcess.appending(path, Integer.MAX_VALUE)) {
        for (int i = 0; i < 20 + random.nextInt(200); i++) {
          acked.add(idOf(one.readLine()));
          acked.add(idOf(two.readLine()));
        }
        one.kill().forEach(line -> addIfWhole(acked, line));
        two.kill().forEach(line -> addIfWhole(acked, line));
      }
    }
    try (Outbox outbox = Outbox.open(path)) {
      acked.add(outbox.append(OutboxEvent.of("t", "last")).eventId());
    }
    List<OutboxRecord> records = ReadBack.all(path);
    List<UUID> ids = records.stream().map(OutboxRecord::eventId).toList();
    assertTrue(new HashSet<>(ids).containsAll(acked), "an acked event is lost");
    assertEquals(ids.size(), new HashSet<>(ids).size(), "an event is there twice");
    assertEquals(
        LongStream.rangeClosed(1, records.size()).boxed().toList(), ReadBack.sequences(path));
  }

  @Test
  void a_replaced_or_deleted_lock_file_is_noticed() throws Exception {
    try (Outbox outbox = Outbox.builder().path(path).lockTimeout(Duration.ofSeconds(60)).open();
        Outbox second = Outbox.open(path);
        Outbox impatient = Outbox.builder().path(path).lockTimeout(Duration.ofMillis(50)).open()) {
      outbox.append(OutboxEvent.of("t", "x"));
      second.append(OutboxEvent.of("t", "x"));
      Files.delete(paths.lock());
      try (ChildProcess child = ChildProcess.holdingTheLock(path)) { // makes a new one
        assertEquals("held", child.readLine());
        assertThrows(OutboxBusy.class, () -> impatient.append(OutboxEvent.of("t", "y")));
        child.kill();
      }
      Files.delete(paths.lock());
      outbox.append(OutboxEvent.of("t", "z"));
      second.append(OutboxEvent.of("t", "z"));
    }
  }

  @Test
  void an_unlinked_newest_cycle_is_noticed_before_the_next_append() throws Exception {
    try (Outbox outbox = Outbox.open(path)) {
      outbox.append(OutboxEvent.of("t", "x"));
      outbox.append(OutboxEvent.of("t", "lost"));
      long first = paths.cycles().get(0);
      Files.delete(paths.cycle(first));
      assertEquals(3, outbox.append(OutboxEvent.of("t", "y")).sequence());
      assertEquals(List.of(first + 1), paths.cycles());
      assertEquals(List.of(3L), ReadBack.sequences(path));
    }
  }

  @Test
  void a_state_or_listing_that_is_taken_away_is_made_anew() throws Exception {
    try (Outbox outbox = Outbox.open(path);
        Outbox second = Outbox.open(path)) {
      Receipt first = outbox.append(OutboxEvent.of("t", "x"));
      second.append(OutboxEvent.of("t", "x"));
      Files.delete(paths.state());
      Files.delete(paths.metadata());
      outbox.append(OutboxEvent.of("t", "y"));
      try (Outbox third = Outbox.open(path)) {
        Receipt receipt = third.append(OutboxEvent.of("t", "z"));
        assertEquals(4, receipt.sequence());
        assertEquals(first.outbox(), receipt.outbox());
      }
      outbox.append(OutboxEvent.of("t", "y"));
      second.append(OutboxEvent.of("t", "y"));
      assertEquals(LongStream.rangeClosed(1, 6).boxed().toList(), ReadBack.sequences(path));
    }
  }

  @Test
  void a_state_that_is_cut_or_zeroed_while_open_is_rewritten_in_place() throws Exception {
    try (Outbox outbox = Outbox.open(path)) {
      outbox.append(OutboxEvent.of("t", "x"));
      for (int size : new int[] {0, 10, 70, 4000}) {
        try (RandomAccessFile state = new RandomAccessFile(paths.state().toFile(), "rw")) {
          state.setLength(size);
        }
        outbox.append(OutboxEvent.of("t", "y"));
        try (RandomAccessFile state = new RandomAccessFile(paths.state().toFile(), "rw")) {
          state.write(new byte[4096]);
        }
        outbox.append(OutboxEvent.of("t", "z"));
      }
      assertEquals(LongStream.rangeClosed(1, 9).boxed().toList(), ReadBack.sequences(path));
      assertEquals(4096, Files.size(paths.state()));
    }
  }

  @Test
  void a_cycle_that_is_cut_while_open_is_left_and_the_next_one_begun() throws Exception {
    try (Outbox outbox = Outbox.open(path)) {
      for (int i = 0; i < 100; i++) {
        outbox.append(OutboxEvent.of("t", "x".repeat(1000)));
      }
      try (RandomAccessFile cycle =
          new RandomAccessFile(paths.cycle(paths.cycles().get(0)).toFile(), "rw")) {
        cycle.setLength(100_000);
      }
      assertEquals(101, outbox.append(OutboxEvent.of("t", "y")).sequence());
      assertEquals(2, paths.cycles().size());
      List<Long> left = ReadBack.sequences(path);
      assertEquals(101, left.get(left.size() - 1));
      assertTrue(left.size() > 30, "what was not cut off is still there");
    }
  }

  @Test
  void a_deleted_outbox_is_reported_and_not_made_again() throws Exception {
    try (Outbox outbox = Outbox.open(path)) {
      outbox.append(OutboxEvent.of("t", "x"));
      Files.move(path, parent.resolve("elsewhere"));
      OutboxUnavailable error =
          assertThrows(OutboxUnavailable.class, () -> outbox.append(OutboxEvent.of("t", "y")));
      assertTrue(error.getMessage().contains("gone"), error.getMessage());
      assertFalse(Files.exists(path));
      Files.move(parent.resolve("elsewhere"), path);
      assertEquals(2, outbox.append(OutboxEvent.of("t", "z")).sequence());
    }
  }

  private static UUID idOf(String line) {
    return UUID.fromString(line.substring(line.indexOf(' ') + 1));
  }

  /** The last line of a killed process may be torn. */
  private static void addIfWhole(List<UUID> ids, String line) {
    int id = line.indexOf(' ') + 1;
    if (id > 0 && line.length() == id + 36) {
      ids.add(UUID.fromString(line.substring(id)));
    }
  }

  private interface Task {
    void run(int thread) throws Exception;
  }

  private static void inThreads(int count, Task task) throws InterruptedException {
    ConcurrentLinkedQueue<Throwable> failures = new ConcurrentLinkedQueue<>();
    List<Thread> threads =
        IntStream.range(0, count)
            .mapToObj(
                number ->
                    new Thread(
                        () -> {
                          try {
                            task.run(number);
                          } catch (Throwable e) {
                            failures.add(e);
                          }
                        }))
            .toList();
    threads.forEach(Thread::start);
    for (Thread thread : threads) {
      thread.join();
    }
    assertEquals(List.of(), List.copyOf(failures));
  }

  private static void appendMany(Outbox outbox, int writer, int count) {
    for (int i = 0; i < count; i++) {
      outbox.append(OutboxEvent.builder("t").key("w" + writer).value(Integer.toString(i)).build());
    }
  }

  private void verifyWriters(int writers, int count) throws IOException {
    List<OutboxRecord> records = ReadBack.all(path);
    assertEquals(
        LongStream.rangeClosed(1, (long) writers * count).boxed().toList(),
        records.stream().map(OutboxRecord::sequence).toList());
    int[] next = new int[writers];
    for (OutboxRecord record : records) {
      int writer =
          Integer.parseInt(new String(record.key(), 1, 1, java.nio.charset.StandardCharsets.UTF_8));
      assertEquals(
          next[writer]++,
          Integer.parseInt(new String(record.value(), java.nio.charset.StandardCharsets.UTF_8)));
    }
    for (int writer = 0; writer < writers; writer++) {
      assertEquals(count, next[writer]);
    }
  }
}
