package dev.outboxrelay.relay.fleet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(200)
class LookThreadTest {
  private static final Duration NEVER = Duration.ofDays(1);
  private static final Duration LONG = Duration.ofSeconds(50);

  private final AtomicInteger looks = new AtomicInteger();

  @Test
  void whoAsksGetsALookThatBeganAfterwards() {
    try (LookThread thread = LookThread.start(looks::incrementAndGet, NEVER)) {
      await().until(() -> looks.get() == 1);

      thread.freshen(LONG);

      assertThat(looks).hasValue(2);
    }
  }

  @Test
  void whoAsksWaitsForNoDiskThatHangs() {
    CountDownLatch disk = new CountDownLatch(1);
    Runnable hanging =
        () -> {
          try {
            disk.await();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        };
    try (LookThread thread = LookThread.start(hanging, NEVER)) {
      thread.freshen(Duration.ofMillis(1));
      assertThat(disk.getCount()).isOne();

      disk.countDown();
      thread.freshen(LONG);
    }
  }

  @Test
  void aLookThatFailsIsNotTheLast() {
    Runnable failing =
        () -> {
          if (looks.incrementAndGet() == 1) {
            throw new IllegalStateException("a defect");
          } else if (looks.get() == 2) {
            throw new NoClassDefFoundError("of a jar that was replaced");
          }
        };
    try (LookThread thread = LookThread.start(failing, NEVER)) {
      thread.freshen(LONG);
      thread.freshen(LONG);
      thread.freshen(LONG);

      assertThat(looks.get()).isGreaterThanOrEqualTo(3);
    }
  }
}
