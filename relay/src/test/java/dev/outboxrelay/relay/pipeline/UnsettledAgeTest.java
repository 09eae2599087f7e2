package dev.outboxrelay.relay.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.relay.deliver.DeliveryState;
import java.nio.file.Path;
import java.time.Instant;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class UnsettledAgeTest {
  private static final Path OUTBOX = Path.of("/outbox");
  private static final Path OTHER = Path.of("/other");

  private long now = 5_000;
  private final UnsettledAge age = new UnsettledAge(() -> Instant.ofEpochMilli(now));

  private static PipelineStatus found(long oldest) {
    return Statuses.seenBehind(OUTBOX, 7, OptionalLong.of(oldest));
  }

  private static PipelineStatus waiting(Path outbox, OptionalLong oldest) {
    return Statuses.withLag(outbox, new DeliveryState.Delivering(), 0, oldest);
  }

  @Test
  void whatTheLoopHasReadAgesWhileTheLoopStandsStill() {
    PipelineStatus stuck = waiting(OUTBOX, OptionalLong.of(2_000));

    assertThat(age.millis(stuck)).isEqualTo(3_000);
    now += 10_000;
    assertThat(age.millis(stuck)).isEqualTo(13_000);
  }

  @Test
  void whatTheLoopHasNotReadHasTheAgeThatALookHasFound() {
    assertThat(age.millis(found(1_000))).isEqualTo(4_000);
    now += 10_000;
    assertThat(age.millis(found(1_000))).isEqualTo(14_000);
  }

  @Test
  void whatALookHasFoundAndIsSettledSinceSaysNothing() {
    PipelineStatus settledSince = Statuses.seenBehind(OUTBOX, 5, OptionalLong.of(1_000));

    assertThat(age.millis(settledSince)).isZero();
  }

  @Test
  void whatNobodyCanReadAgesFromWhenItWasFirstSeenToWait() {
    assertThat(age.millis(waiting(OUTBOX, OptionalLong.empty()))).isZero();
    now += 10_000;
    assertThat(age.millis(waiting(OUTBOX, OptionalLong.empty()))).isEqualTo(10_000);
    assertThat(age.millis(waiting(OTHER, OptionalLong.empty()))).as("each its own").isZero();

    assertThat(age.millis(found(1_000))).isEqualTo(14_000);
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
