package dev.outboxrelay.client.lock;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 2, unit = TimeUnit.MINUTES)
class SyncClaimTest {
  private final SyncClaim claim = new SyncClaim();

  private boolean acquire(BooleanSupplier settled) {
    try (LockDeadline deadline = new LockDeadline(Duration.ZERO, new Random(1))) {
      return claim.acquire(settled, deadline);
    }
  }

  @Test
  void who_waits_is_let_go_when_all_is_settled() throws Exception {
    AtomicBoolean settled = new AtomicBoolean();
    assertTrue(acquire(() -> false));
    List<FutureTask<Boolean>> waiting = new ArrayList<>();
    CountDownLatch asked = new CountDownLatch(8);
    for (int i = 0; i < 8; i++) {
      waiting.add(
          start(
              () ->
                  acquire(
                      () -> {
                        asked.countDown();
                        return settled.get();
                      })));
    }
    asked.await();
    settled.set(true);
    claim.release();
    for (FutureTask<Boolean> each : waiting) {
      assertFalse(each.get());
    }
    assertThrows(IllegalStateException.class, claim::release);
  }

  @Test
  void one_after_the_other_has_it() throws Exception {
    AtomicInteger holders = new AtomicInteger();
    AtomicInteger times = new AtomicInteger();
    List<FutureTask<Boolean>> all = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      all.add(
          start(
              () -> {
                for (int j = 0; j < 500; j++) {
                  assertTrue(acquire(() -> false));
                  assertEquals(1, holders.incrementAndGet());
                  times.incrementAndGet();
                  holders.decrementAndGet();
                  claim.release();
                }
                return true;
              }));
    }
    for (FutureTask<Boolean> each : all) {
      each.get();
    }
    assertEquals(4_000, times.get());
  }

  @Test
  void it_is_taken_over_from_a_thread_that_has_died() throws Exception {
    FutureTask<Boolean> dying = new FutureTask<>(() -> acquire(() -> false));
    Thread thread = new Thread(dying);
    thread.start();
    thread.join();
    assertTrue(dying.get());
    assertTrue(acquire(() -> false));
    claim.release();
  }

  @Test
  void an_interrupt_neither_ends_the_wait_nor_gets_lost() throws Exception {
    assertTrue(acquire(() -> false));
    CountDownLatch asked = new CountDownLatch(2);
    AtomicBoolean kept = new AtomicBoolean();
    FutureTask<Boolean> waiting =
        new FutureTask<>(
            () -> {
              boolean had =
                  acquire(
                      () -> {
                        asked.countDown();
                        return false;
                      });
              kept.set(Thread.interrupted());
              claim.release();
              return had;
            });
    Thread thread = new Thread(waiting);
    thread.start();
    while (asked.getCount() > 1) {
      Thread.onSpinWait();
    }
    thread.interrupt();
    asked.await(); // it has looked again, and waits
    claim.release();
    assertTrue(waiting.get());
    assertTrue(kept.get());
  }

  private static FutureTask<Boolean> start(Callable<Boolean> work) {
    FutureTask<Boolean> task = new FutureTask<>(work);
    new Thread(task).start();
    return task;
  }
}
