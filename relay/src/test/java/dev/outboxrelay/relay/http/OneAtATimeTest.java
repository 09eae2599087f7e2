package dev.outboxrelay.relay.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class OneAtATimeTest {
  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final Response DONE = Response.plain(Response.OK, "done");

  private final AtomicLong nanos = new AtomicLong();
  private final CountDownLatch disk = new CountDownLatch(1);
  private final AtomicInteger reading = new AtomicInteger();
  private final OneAtATime letters = new OneAtATime(this::read, PATIENCE, nanos::get);

  /** Hangs until the disk answers. */
  private Response read(Request request) {
    reading.incrementAndGet();
    try {
      disk.await();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
    return DONE;
  }

  @AfterEach
  void letTheDiskAnswer() {
    disk.countDown();
  }

  private CompletableFuture<Response> ask() {
    return CompletableFuture.supplyAsync(() -> letters.get(null));
  }

  private static Response answer(CompletableFuture<Response> asked) throws Exception {
    return asked.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
  }

  @Test
  void behindARequestThatHangsNobodyWaits() throws Exception {
    CompletableFuture<Response> first = ask();
    await().atMost(PATIENCE).until(() -> reading.get() == 1);
    nanos.addAndGet(PATIENCE.toNanos());
    assertThat(answer(ask()).status()).isEqualTo(Response.UNAVAILABLE);
    assertThat(reading).hasValue(1);
    disk.countDown();
    assertThat(answer(first)).isEqualTo(DONE);
    assertThat(answer(ask())).isEqualTo(DONE);
  }

  @Test
  void behindOneThatIsAnsweredSoonOthersWaitTheirTurn() throws Exception {
    CompletableFuture<Response> first = ask();
    await().atMost(PATIENCE).until(() -> reading.get() == 1);
    CompletableFuture<Response> second = ask();
    disk.countDown();
    assertThat(answer(first)).isEqualTo(DONE);
    assertThat(answer(second)).isEqualTo(DONE);
    assertThat(reading).hasValue(2);
  }
}
