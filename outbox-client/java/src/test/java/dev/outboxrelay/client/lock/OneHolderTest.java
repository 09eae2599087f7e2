package dev.outboxrelay.client.lock;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outboxrelay.client.ChildProcess;
import dev.outboxrelay.client.Durability;
import dev.outboxrelay.client.Outbox;
import dev.outboxrelay.client.OutboxBusy;
import dev.outboxrelay.client.OutboxCorrupt;
import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.writing.QueueWriter;
import dev.outboxrelay.client.writing.ReadBack;
import dev.outboxrelay.client.writing.WriterOptions;
import java.io.IOException;
import java.lang.ref.WeakReference;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.channels.AsynchronousFileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The kernel's lock stays with who has it, whatever other copies of the client do in the JVM. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class OneHolderTest {
  private static final Duration PATIENT = Duration.ofSeconds(60);
  private static final Duration IMPATIENT = Duration.ofMillis(50);

  @TempDir Path parent;
  private Path path;
  private Path lockFile;

  @BeforeEach
  void name() {
    path = parent.resolve("outbox");
    lockFile = new OutboxPaths(path).lock();
  }

  @Test
  void a_stack_that_ends_in_an_append_does_not_leave_the_lock_held() throws Exception {
    try (ChildProcess child = ChildProcess.exhaustingItsStack(path)) {
      assertEquals("true", child.readLine());
    }
  }

  @Test
  void an_error_out_of_the_release_leaves_the_lock_to_be_released_by_the_next() throws Exception {
    WatchedRelease disk = new WatchedRelease();
    WriterOptions options =
        WriterOptions.of(new OutboxPaths(path)).withLockTimeout(IMPATIENT).withDisk(disk.disk());
    try (QueueWriter writer = QueueWriter.open(options)) {
      disk.failsOnce = true;
      assertThrows(OutOfMemoryError.class, () -> writer.append(OutboxEvent.of("t", "x")));
      assertTrue(Kernel.holdsLock(lockFile));
      assertEquals(2, writer.append(OutboxEvent.of("t", "x")).sequence());
      assertFalse(Kernel.holdsLock(lockFile));
    }
  }

  private WritersLock ownLock() {
    return new WritersLock(lockFile, Disk.REAL, new Random(1));
  }

  private void createOutbox() {
    Outbox.open(path).close();
  }

  @Test
  void only_the_holder_may_change_anything() throws Exception {
    createOutbox();
    try (WritersLock lock = ownLock()) {
      refusedToChange(lock);
      lock.acquire(PATIENT);
      lock.mustBeHeld();
      Thread other = new Thread(() -> refusedToChange(lock));
      AtomicReference<Throwable> failed = new AtomicReference<>();
      other.setUncaughtExceptionHandler((thread, e) -> failed.set(e));
      other.start();
      other.join();
      assertNull(failed.get());
      lock.release();
      refusedToChange(lock);
      dieHolding(lock::acquire);
      refusedToChange(lock);
    }
  }

  private static void refusedToChange(WritersLock lock) {
    OutboxCorrupt refused = assertThrows(OutboxCorrupt.class, lock::mustBeHeld);
    assertTrue(refused.getMessage().startsWith("FORMAT I3 "), refused.getMessage());
  }

  @Test
  void a_copy_that_fails_to_open_leaves_the_lock_with_its_holder() throws Exception {
    createOutbox();
    try (WritersLock lock = ownLock();
        ClientCopy copy = new ClientCopy()) {
      lock.acquire(PATIENT);
      for (int i = 0; i < 20; i++) {
        Exception busy = assertThrows(Exception.class, () -> copy.open(path, Duration.ofMillis(5)));
        assertTrue(Kernel.holdsLock(lockFile));
        assertTrue(ClientCopy.isA(busy, OutboxBusy.class), busy::toString);
        assertTrue(busy.getMessage().contains("another copy of this client"), busy::getMessage);
      }
      assertEquals(2, Kernel.descriptors(lockFile), "one for each copy");
      lock.release();
      copy.open(path, PATIENT).close();
      assertEquals(1, Kernel.descriptors(lockFile));
    }
    assertEquals(0, Kernel.descriptors(lockFile));
  }

  @Test
  void a_copy_that_closes_leaves_the_lock_with_its_holder() throws Exception {
    createOutbox();
    try (WritersLock lock = ownLock();
        ClientCopy copy = new ClientCopy()) {
      ClientCopy.Writer other = copy.open(path, IMPATIENT);
      assertEquals(1, other.append("x"));
      lock.acquire(PATIENT);
      other.close();
      assertTrue(Kernel.holdsLock(lockFile));
      lock.release();
      assertFalse(Kernel.holdsLock(lockFile));
    }
  }

  @Test
  void a_copy_that_is_collected_leaves_the_lock_with_its_holder() throws Exception {
    createOutbox();
    try (WritersLock lock = ownLock()) {
      lock.acquire(PATIENT);
      WeakReference<ClassLoader> left = leaveBusy();
      awaitCollection(left);
      for (int i = 0; i < 20; i++) { // time for what a collection sets off
        System.gc();
        Thread.sleep(10);
        assertTrue(Kernel.holdsLock(lockFile));
      }
      lock.release();
      awaitDescriptors(1);
    }
  }

  /** An application that keeps an outbox in a static field, and forgets it. */
  private WeakReference<ClassLoader> leaveOpen() throws Exception {
    try (ClientCopy copy = new ClientCopy()) {
      copy.open(path, PATIENT).append("x");
      return copy.reference();
    }
  }

  private WeakReference<ClassLoader> leaveBusy() throws Exception {
    try (ClientCopy copy = new ClientCopy()) {
      ClientCopy.Lock lock = copy.lock(lockFile);
      assertThrows(Exception.class, () -> lock.acquire(Duration.ZERO));
      return copy.reference();
    }
  }

  @Test
  void a_hundred_redeployments_leave_one_descriptor() throws Exception {
    try (Outbox outbox = Outbox.open(path)) {
      for (int i = 0; i < 100; i++) {
        try (ClientCopy copy = new ClientCopy();
            ClientCopy.Writer writer = copy.open(path, PATIENT)) {
          writer.append("x");
        }
        assertEquals(1, Kernel.descriptors(lockFile));
      }
      assertEquals(101, outbox.append(OutboxEvent.of("t", "x")).sequence());
    }
    assertEquals(0, Kernel.descriptors(lockFile));
  }

  @Test
  void a_hundred_redeployments_that_close_nothing_leave_one_descriptor() throws Exception {
    try (Outbox outbox = Outbox.open(path)) {
      WeakReference<ClassLoader> last = null;
      for (int i = 0; i < 100; i++) {
        last = leaveOpen();
      }
      awaitCollection(last);
      awaitDescriptors(1);
      assertEquals(101, outbox.append(OutboxEvent.of("t", "x")).sequence());
    }
  }

  @Test
  void a_thread_that_dies_leaves_the_lock_to_the_next_of_its_copy() throws Exception {
    createOutbox();
    try (WritersLock lock = ownLock()) {
      dieHolding(lock::acquire);
      assertTrue(Kernel.holdsLock(lockFile));
      lock.acquire(PATIENT);
      assertFalse(lock.continuesWhereItWas());
      lock.release();
      assertFalse(Kernel.holdsLock(lockFile));
      dieHolding(lock::acquire);
    }
    assertFalse(Kernel.holdsLock(lockFile));
    assertEquals(0, Kernel.descriptors(lockFile));
  }

  @Test
  void what_a_thread_that_died_may_have_left_half_changed_is_not_gone_on_with() throws Exception {
    createOutbox();
    try (WritersLock one = ownLock();
        WritersLock two = ownLock()) {
      two.acquire(PATIENT);
      assertFalse(two.continuesWhereItWas(), "it is the first time");
      two.release();
      two.acquire(PATIENT);
      assertTrue(two.continuesWhereItWas());
      two.release();
      dieHolding(one::acquire);
      two.acquire(PATIENT);
      assertFalse(two.continuesWhereItWas());
      two.release();
    }
  }

  @Test
  void a_copy_that_is_gone_gives_back_what_its_dead_thread_held() throws Exception {
    createOutbox();
    try (Outbox outbox = Outbox.builder().path(path).lockTimeout(IMPATIENT).open()) {
      WeakReference<ClassLoader> left = leaveHeld(outbox);
      awaitCollection(left);
      awaitDescriptors(1);
      assertFalse(Kernel.holdsLock(lockFile));
      assertEquals(1, outbox.append(OutboxEvent.of("t", "x")).sequence());
    }
  }

  private WeakReference<ClassLoader> leaveHeld(Outbox outbox) throws Exception {
    try (ClientCopy copy = new ClientCopy()) {
      dieHolding(copy.lock(lockFile)::acquire);
      assertTrue(Kernel.holdsLock(lockFile));
      OutboxBusy busy =
          assertThrows(OutboxBusy.class, () -> outbox.append(OutboxEvent.of("t", "x")));
      assertTrue(busy.getMessage().contains("another copy of this client"), busy::getMessage);
      return copy.reference();
    }
  }

  @Test
  void a_lock_file_closed_by_its_holder_is_closed_when_it_is_released() throws Exception {
    createOutbox();
    WritersLock lock = ownLock();
    lock.acquire(PATIENT);
    lock.close();
    assertTrue(Kernel.holdsLock(lockFile));
    lock.release();
    assertFalse(Kernel.holdsLock(lockFile));
    createOutbox();
    assertEquals(0, Kernel.descriptors(lockFile));
  }

  /** The JDK promises that neither is disturbed: no such channel is interruptible. */
  @Test
  void an_interrupted_thread_leaves_the_lock_with_its_holder() throws Exception {
    createOutbox();
    try (WritersLock lock = ownLock();
        ClientCopy copy = new ClientCopy()) {
      lock.acquire(PATIENT);
      ClientCopy.Lock other = copy.lock(lockFile);
      for (int i = 0; i < 20; i++) {
        Thread.currentThread().interrupt();
        assertThrows(Exception.class, () -> other.acquire(Duration.ofMillis(1)));
        other.close();
        assertTrue(Thread.interrupted());
        assertTrue(Kernel.holdsLock(lockFile));
      }
      lock.release();
    }
  }

  @Test
  void two_copies_and_another_process_give_each_sequence_once() throws Exception {
    try (ChildProcess child = ChildProcess.appending(path, Integer.MAX_VALUE);
        ClientCopy one = new ClientCopy();
        ClientCopy two = new ClientCopy()) {
      child.readLine();
      Storm storm = new Storm(path, 4_000, Durability.PROCESS);
      storm.follow(child);
      storm.appendWith(one, false);
      storm.appendWith(two, true);
      storm.join(child);
      storm.verify(ReadBack.all(path));
    }
  }

  @Test
  void interrupts_of_two_copies_beside_another_process_lose_nothing() throws Exception {
    try (ChildProcess child = ChildProcess.appending(path, Integer.MAX_VALUE);
        ClientCopy one = new ClientCopy();
        ClientCopy two = new ClientCopy()) {
      child.readLine();
      Storm storm = new Storm(path, 1_000, Durability.PROCESS);
      storm.follow(child);
      storm.appendWith(one, false);
      storm.appendWith(one, true);
      storm.appendWith(two, false);
      storm.appendWith(two, true);
      storm.interruptAll();
      storm.join(child);
      storm.verify(ReadBack.all(path));
    }
  }

  private interface Acquire {
    void within(Duration timeout) throws Exception;
  }

  private static void dieHolding(Acquire acquire) throws Exception {
    CountDownLatch held = new CountDownLatch(1);
    Thread thread =
        new Thread(
            () -> {
              try {
                acquire.within(PATIENT);
                held.countDown();
              } catch (Exception e) {
                throw new IllegalStateException(e);
              }
            });
    thread.start();
    thread.join();
    assertEquals(0, held.getCount());
  }

  private static void awaitCollection(WeakReference<ClassLoader> reference) throws Exception {
    await(() -> reference.get() == null, "the class loader is kept");
    assertNull(reference.get());
  }

  private void awaitDescriptors(int count) throws Exception {
    await(() -> Kernel.descriptors(lockFile) == count, "descriptors are left");
  }

  private static void await(Callable<Boolean> condition, String otherwise) throws Exception {
    long start = System.nanoTime();
    while (!condition.call()) {
      assertTrue(System.nanoTime() - start < PATIENT.toNanos(), otherwise);
      System.gc();
      Thread.sleep(10);
    }
  }

  /** Gives out locks whose release may fail. */
  private static final class WatchedRelease {
    private boolean failsOnce;

    Disk disk() {
      return (Disk)
          Proxy.newProxyInstance(
              Disk.class.getClassLoader(),
              new Class<?>[] {Disk.class},
              (proxy, method, arguments) -> {
                Object result;
                try {
                  result = method.invoke(Disk.REAL, arguments);
                } catch (InvocationTargetException e) {
                  throw e.getCause();
                }
                return result instanceof FileLock lock
                        && lock.acquiredBy() instanceof AsynchronousFileChannel
                    ? watched(lock)
                    : result;
              });
    }

    private FileLock watched(FileLock lock) {
      AsynchronousFileChannel channel = (AsynchronousFileChannel) lock.acquiredBy();
      return new FileLock(channel, lock.position(), lock.size(), false) {
        @Override
        public boolean isValid() {
          return lock.isValid();
        }

        @Override
        public void release() throws IOException {
          if (failsOnce) {
            failsOnce = false;
            throw new OutOfMemoryError("for a test");
          }
          lock.release();
        }
      };
    }
  }
}
