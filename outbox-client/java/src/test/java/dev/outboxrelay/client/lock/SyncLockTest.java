package dev.outboxrelay.client.lock;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outboxrelay.client.ChildProcess;
import dev.outboxrelay.client.Durability;
import dev.outboxrelay.client.Outbox;
import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.StateFile;
import dev.outboxrelay.client.writing.ReadBack;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Byte 1 of the lock file: it has one holder, and takes nothing away from that of byte 0. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class SyncLockTest {
  private static final Duration PATIENT = Duration.ofSeconds(60);

  @TempDir Path parent;
  private Path path;
  private Path lockFile;

  @BeforeEach
  void make() {
    path = parent.resolve("outbox");
    lockFile = new OutboxPaths(path).lock();
    Outbox.open(path).close();
  }

  private WritersLock writers() {
    return new WritersLock(lockFile, Disk.REAL, new Random(1));
  }

  private static SyncLock of(WritersLock writers) throws IOException {
    writers.acquire(PATIENT);
    SyncLock sync = writers.syncLock();
    writers.release();
    return sync;
  }

  @Test
  void it_has_one_holder_among_threads_copies_and_processes() throws Exception {
    try (WritersLock writers = writers();
        ClientCopy copy = new ClientCopy();
        ClientCopy.Lock another = copy.lock(lockFile)) {
      SyncLock sync = of(writers);
      assertTrue(sync.tryAcquire(Disk.REAL));
      assertFalse(sync.tryAcquire(Disk.REAL), "not reentrant");
      assertFalse(elsewhere(() -> sync.tryAcquire(Disk.REAL)));
      another.acquire(PATIENT); // byte 0 is free
      ClientCopy.Sync theirs = another.syncLock();
      another.release();
      assertFalse(theirs.tryAcquire());
      try (ChildProcess child = ChildProcess.holdingTheSyncLock(path)) {
        assertEquals("refused", child.readLine());
      }
      sync.release();
      assertTrue(theirs.tryAcquire());
      assertFalse(sync.tryAcquire(Disk.REAL));
      theirs.release();
      try (ChildProcess child = ChildProcess.holdingTheSyncLock(path)) {
        assertEquals("held", child.readLine());
        assertFalse(sync.tryAcquire(Disk.REAL));
        child.kill();
        child.waitFor();
      }
      assertTrue(sync.tryAcquire(Disk.REAL));
      sync.release();
    }
  }

  /** The kernel makes one lock of both, which it shows at the descriptor that had the first. */
  @Test
  void the_writers_lock_of_one_copy_is_not_missed_beside_the_sync_lock_of_another()
      throws Exception {
    try (WritersLock writers = writers();
        ClientCopy copy = new ClientCopy();
        ClientCopy.Lock another = copy.lock(lockFile)) {
      another.acquire(PATIENT);
      ClientCopy.Sync theirs = another.syncLock();
      another.release();
      LockFile file = LockFile.share(lockFile);
      for (int i = 0; i < 3; i++) {
        assertTrue(theirs.tryAcquire());
        writers.acquire(PATIENT);
        assertTrue(file.isStillHeld(lockFile), "begun beside the sync lock");
        theirs.release();
        assertTrue(file.isStillHeld(lockFile), "the sync lock is gone");
        writers.release();
        writers.acquire(PATIENT);
        assertTrue(file.isStillHeld(lockFile), "alone");
        assertTrue(theirs.tryAcquire());
        assertTrue(file.isStillHeld(lockFile), "the sync lock is there");
        writers.release();
        assertFalse(file.isStillHeld(lockFile), "but for the sync lock");
        theirs.release();
      }
      file.giveUp();
    }
  }

  @Test
  void a_file_is_not_closed_while_the_sync_lock_is_held() throws Exception {
    WritersLock writers = writers();
    SyncLock sync = of(writers);
    assertTrue(sync.tryAcquire(Disk.REAL));
    openAndCloseInAnotherCopy();
    assertTrue(Kernel.holdsLock(lockFile), "another copy has closed its own");
    writers.close();
    assertTrue(Kernel.holdsLock(lockFile), "its last user has gone");
    sync.release();
    assertFalse(Kernel.holdsLock(lockFile));
    awaitNoDescriptors();
  }

  private void openAndCloseInAnotherCopy() throws Exception {
    try (ClientCopy copy = new ClientCopy()) {
      copy.open(path, PATIENT).close();
    }
  }

  @Test
  void a_thread_that_dies_leaves_it_to_the_next_of_its_copy() throws Exception {
    try (WritersLock writers = writers()) {
      SyncLock sync = of(writers);
      assertTrue(elsewhere(() -> sync.tryAcquire(Disk.REAL)));
      assertTrue(Kernel.holdsLock(lockFile));
      assertThrows(IllegalStateException.class, sync::release);
      assertTrue(sync.tryAcquire(Disk.REAL));
      sync.release();
      assertFalse(Kernel.holdsLock(lockFile));
    }
  }

  @Test
  void an_interrupted_thread_takes_and_gives_it_back() throws Exception {
    try (WritersLock writers = writers()) {
      SyncLock sync = of(writers);
      for (int i = 0; i < 3; i++) {
        Thread.currentThread().interrupt();
        assertTrue(sync.tryAcquire(Disk.REAL));
        sync.release();
        assertTrue(Thread.interrupted());
      }
    }
  }

  @Test
  void without_its_file_it_is_not_to_be_had() throws Exception {
    WritersLock writers = writers();
    SyncLock sync = of(writers);
    writers.close();
    assertThrows(IOException.class, () -> sync.tryAcquire(Disk.REAL));
    assertThrows(IOException.class, () -> sync.tryAcquire(Disk.REAL), "and nobody holds it");
  }

  @Test
  void interrupts_of_two_copies_that_sync_beside_another_process_lose_nothing() throws Exception {
    try (ChildProcess child = ChildProcess.appendingInPower(path, Integer.MAX_VALUE);
        ClientCopy one = new ClientCopy();
        ClientCopy two = new ClientCopy()) {
      child.readLine();
      Storm storm = new Storm(path, 200, Durability.POWER);
      storm.follow(child);
      storm.appendWith(one, false);
      storm.appendWith(one, false);
      storm.appendWith(one, true);
      storm.appendWith(two, false);
      storm.appendWith(two, true);
      storm.interruptAll();
      storm.join(child);
      storm.verify(ReadBack.all(path));
    }
    assertEquals(
        List.of(), StateFile.read(path.resolve("outbox.state")).orElseThrow().failedCycles());
  }

  /** In a thread that has ended by then. */
  private static boolean elsewhere(Callable<Boolean> attempt) throws Exception {
    FutureTask<Boolean> task = new FutureTask<>(attempt);
    Thread thread = new Thread(task);
    thread.start();
    thread.join();
    return task.get();
  }

  /** What the copy left is closed when it is collected. */
  private void awaitNoDescriptors() throws Exception {
    long start = System.nanoTime();
    while (Kernel.descriptors(lockFile) > 0) {
      assertTrue(System.nanoTime() - start < PATIENT.toNanos(), "descriptors are left");
      System.gc();
      Thread.sleep(10);
    }
  }
}
