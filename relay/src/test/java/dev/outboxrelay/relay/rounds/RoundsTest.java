package dev.outboxrelay.relay.rounds;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class RoundsTest {
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final Rounds<String> rounds = new Rounds<>(threads, Duration.ofMillis(500));
  private final CountDownLatch disk = new CountDownLatch(1);
  private final Queue<String> visited = new ConcurrentLinkedQueue<>();

  @AfterEach
  void end() {
    disk.countDown();
    threads.shutdownNow();
  }

  private void visit(String one) {
    if (one.startsWith("hangs")) {
      hang();
    }
    visited.add(one);
  }

  private void hang() {
    try {
      disk.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void eachIsVisitedInOrder() {
    rounds.visit(List.of("a", "b", "c"), this::visit);

    assertThat(visited).containsExactly("a", "b", "c");
    assertThat(rounds.leftBehind()).isEmpty();
  }

  @Test
  void thoseThatHangAreLeftBehindAndNobodyElse() {
    rounds.visit(List.of("a", "hangs", "b", "hangs too", "hangs as well", "c"), this::visit);

    assertThat(visited).containsExactly("a", "b", "c");
    assertThat(rounds.leftBehind())
        .containsExactlyInAnyOrder("hangs", "hangs too", "hangs as well");
  }

  @Test
  void oneThatWasLeftBehindIsVisitedAgainOnceItHasAnswered() {
    List<String> all = List.of("hangs", "a");
    rounds.visit(all, this::visit);
    rounds.visit(all, this::visit);
    assertThat(visited).containsExactly("a", "a");
    assertThat(rounds.isLeftBehind("hangs")).isTrue();

    disk.countDown();
    await().until(() -> !rounds.isLeftBehind("hangs"));
    visited.clear();
    rounds.visit(all, this::visit);
    assertThat(visited).containsExactly("hangs", "a");
  }

  @Test
  void whatAVisitThrowsReachesWhoeverWaitsForIt() {
    assertThatThrownBy(
            () ->
                rounds.visit(
                    List.of("a"),
                    each -> {
                      throw new IllegalStateException("a defect");
                    }))
        .hasMessage("a defect");
    rounds.visit(List.of("a"), this::visit);
    assertThat(visited).containsExactly("a");
  }

  @Test
  void oneThatFailsAfterItWasLeftBehindIsVisitedAgain() {
    rounds.visit(
        List.of("a"),
        each -> {
          hang();
          throw new IllegalStateException("told by whoever handles what threads don't");
        });
    disk.countDown();
    await().dontCatchUncaughtExceptions().until(() -> !rounds.isLeftBehind("a"));
    rounds.visit(List.of("a"), this::visit);
    assertThat(visited).containsExactly("a");
  }
}
