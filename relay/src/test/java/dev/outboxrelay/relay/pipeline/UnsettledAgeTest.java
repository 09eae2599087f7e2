package dev.outboxrelay.relay.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.relay.deliver.DeliveryState;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class UnsettledAgeTest {
  private static final Path OUTBOX = Path.of("/outbox");
  private static final Path OTHER = Path.of("/other");

  private long now = 5_000;
  private OptionalLong inQueue = OptionalLong.empty();
  private boolean unreadable;
  private final UnsettledAge age =
      new UnsettledAge(this::oldestInQueue, () -> Instant.ofEpochMilli(now));

  private OptionalLong oldestInQueue(OutboxPaths paths) throws IOException {
    if (unreadable) {
      throw new IOException("EIO");
    }
    return inQueue;
  }

  private static PipelineStatus waiting(Path outbox, OptionalLong oldest) {
    return Statuses.withLag(outbox, new DeliveryState.Delivering(), 0, oldest);
  }

  @Test
  void whatTheLoopHasReadAgesWhileTheLoopStandsStill() {
    PipelineStatus stuck = waiting(OUTBOX, OptionalLong.of(2_000));
    inQueue = OptionalLong.of(1);

    assertThat(age.millis(stuck)).isEqualTo(3_000);
    now += 10_000;
    assertThat(age.millis(stuck)).isEqualTo(13_000);
  }

  @Test
  void whatTheLoopHasNotReadIsLookedUpInTheQueue() {
    inQueue = OptionalLong.of(1_000);

    assertThat(age.millis(waiting(OUTBOX, OptionalLong.empty()))).isEqualTo(4_000);
  }

  @Test
  void whatNobodyCanReadAgesFromWhenItWasFirstSeenToWait() {
    unreadable = true;
    assertThat(age.millis(waiting(OUTBOX, OptionalLong.empty()))).isZero();
    now += 10_000;
    unreadable = false;
    assertThat(age.millis(waiting(OUTBOX, OptionalLong.empty()))).isEqualTo(10_000);
    assertThat(age.millis(waiting(OTHER, OptionalLong.empty()))).as("each its own").isZero();

    inQueue = OptionalLong.of(1_000);
    assertThat(age.millis(waiting(OUTBOX, OptionalLong.empty()))).isEqualTo(14_000);
    inQueue = OptionalLong.empty();
    assertThat(age.millis(waiting(OUTBOX, OptionalLong.empty()))).as("anew").isZero();
  }

  @Test
  void itBeginsAnewOnceEverythingWasSettledOrTheOutboxWasGone() {
    age.millis(waiting(OUTBOX, OptionalLong.empty()));
    now += 10_000;
    assertThat(age.millis(Statuses.idle(OUTBOX, 0))).isZero();
    assertThat(age.millis(waiting(OUTBOX, OptionalLong.empty()))).isZero();

    now += 10_000;
    age.forget(OUTBOX);
    assertThat(age.millis(waiting(OUTBOX, OptionalLong.empty()))).isZero();
  }

  @Test
  void anAppendInTheFutureHasNoAge() {
    assertThat(age.millis(waiting(OUTBOX, OptionalLong.of(6_000)))).isZero();
  }
}
