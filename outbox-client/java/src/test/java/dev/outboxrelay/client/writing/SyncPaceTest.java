package dev.outboxrelay.client.writing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outboxrelay.client.lock.LockDeadline;
import java.time.Duration;
import java.util.Random;
import java.util.function.LongSupplier;
import org.junit.jupiter.api.Test;

/** By a clock that goes on by a step whenever it is asked. */
class SyncPaceTest {
  private static final long STEP = 1_000;
  private static final long SYNC = 100_000;

  private long now;
  private int asked;
  private final SyncPace pace = new SyncPace(() -> now += STEP);

  private long wait(LongSupplier others, long before) {
    long start = now;
    try (LockDeadline deadline = new LockDeadline(Duration.ZERO, new Random(1))) {
      pace.letOthersIn(others, before, deadline);
    }
    return now - start;
  }

  @Test
  void who_is_alone_does_not_wait() {
    pace.took(SYNC);
    assertEquals(STEP, wait(() -> 0, 0));
  }

  @Test
  void before_anything_was_measured_nobody_waits() {
    assertEquals(STEP, wait(() -> 0, 100));
  }

  @Test
  void it_goes_on_as_soon_as_all_are_back() {
    pace.took(SYNC);
    assertEquals(6 * STEP, wait(() -> asked++, 5));
    assertEquals(STEP, wait(() -> 5, 5), "they were faster");
  }

  @Test
  void those_who_keep_coming_are_waited_for_no_longer_than_half_a_sync() {
    pace.took(SYNC);
    long waited = wait(() -> asked++, Long.MAX_VALUE);
    assertTrue(waited >= SYNC / 2 && waited < SYNC / 2 + 3 * STEP, () -> waited + " ns");
  }

  @Test
  void who_does_not_come_is_waited_for_half_of_that() {
    pace.took(SYNC);
    long waited = wait(() -> 1, 5);
    assertTrue(waited >= SYNC / 4 && waited < SYNC / 4 + 3 * STEP, () -> waited + " ns");
  }

  @Test
  void one_slow_sync_does_not_make_all_wait() {
    pace.took(SYNC);
    pace.took(100 * SYNC);
    long waited = wait(() -> 1, 5);
    assertTrue(waited < 4 * SYNC, () -> waited + " ns");
  }
}
