package dev.outboxrelay.relay.history;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.relay.deliver.Clocks;
import dev.outboxrelay.relay.deliver.DeliveryState;
import dev.outboxrelay.relay.fact.Trouble;
import dev.outboxrelay.relay.fact.Verdict;
import dev.outboxrelay.relay.pipeline.PipelineStatus;
import dev.outboxrelay.relay.pipeline.Statuses;
import dev.outboxrelay.relay.pipeline.UnsettledAge;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class SamplerTest {
  private static final Path ONE = Path.of("/outbox/one");
  private static final Path OTHER = Path.of("/outbox/other");

  private long nanos = 77;
  private List<PipelineStatus> served = List.of(Statuses.idle(ONE, 0));
  private final Clocks clocks =
      new Clocks(() -> nanos, () -> Instant.ofEpochMilli(5_000 + nanos / 1_000_000));
  private final History history = new History(new UnsettledAge(clocks.wall()));
  private final Sampler sampler = new Sampler(history, () -> served, clocks);

  @Test
  void aSampleIsTakenAtOnceAndThenWheneverOneIsDue() {
    assertThat(sampler.doWork()).isEqualTo(1);
    pass(Duration.ofMillis(9_999));
    assertThat(sampler.doWork()).isZero();
    pass(Duration.ofMillis(1));
    assertThat(sampler.doWork()).isEqualTo(1);

    assertThat(history.of(ONE)).extracting(Sample::atMillis).containsExactly(5_000L, 15_000L);
  }

  @Test
  void aLoopThatIsStuckIsSampledAndTheAgeOfItsOldestEventGrows() {
    PipelineStatus stuck =
        Statuses.withLag(ONE, new DeliveryState.Delivering(), 0, OptionalLong.of(4_000));
    served = List.of(stuck);
    sampler.doWork();
    pass(Duration.ofSeconds(10));
    sampler.doWork();

    assertThat(history.of(ONE)).extracting(Sample::oldestSeconds).containsExactly(1f, 11f);
    assertThat(history.of(ONE)).extracting(Sample::lagEvents).containsExactly(2L, 2L);
    assertThat(history.of(ONE)).extracting(Sample::lagBytes).containsExactly(2_048L, 2_048L);
  }

  @Test
  void ratesAreThoseSinceTheSampleBeforeAlsoWhenCountersBeginAnew() {
    served = List.of(Statuses.counting(ONE, 1_000, 40));
    sampler.doWork();
    pass(Duration.ofSeconds(20));
    served = List.of(Statuses.counting(ONE, 1_500, 60));
    sampler.doWork();
    pass(Duration.ofSeconds(10));
    served = List.of(Statuses.counting(ONE, 30, 0));
    sampler.doWork();

    assertThat(history.of(ONE)).extracting(Sample::deliveredPerSecond).containsExactly(0f, 25f, 3f);
    assertThat(history.of(ONE)).extracting(Sample::retriedPerSecond).containsExactly(0f, 1f, 0f);
  }

  @Test
  void anHourIsKeptAndNoMore() {
    for (int sample = 0; sample < 400; sample++) {
      served = List.of(Statuses.counting(ONE, 10L * sample, 0));
      sampler.doWork();
      pass(Duration.ofSeconds(10));
    }

    List<Sample> samples = history.of(ONE);
    assertThat(samples).hasSize(360);
    assertThat(samples.get(0).atMillis()).isEqualTo(5_000 + 40 * 10_000);
    assertThat(samples.get(359).atMillis()).isEqualTo(5_000 + 399 * 10_000);
    assertThat(samples).extracting(Sample::deliveredPerSecond).containsOnly(1f);
  }

  @Test
  void troubleIsRemembered() {
    Trouble trouble = new Trouble(new Verdict.RetryLater("no answer"), 0, 1);
    served =
        List.of(
            Statuses.withLag(ONE, new DeliveryState.Stalled(trouble), 0, OptionalLong.of(4_000)));
    sampler.doWork();
    pass(Duration.ofSeconds(10));
    served = List.of(Statuses.idle(ONE, 0));
    sampler.doWork();

    assertThat(history.of(ONE)).extracting(Sample::troubled).containsExactly(true, false);
  }

  @Test
  void outboxesComeAndGoAndOneThatIsGoneIsForgotten() {
    sampler.doWork();
    pass(Duration.ofSeconds(10));
    served = List.of(Statuses.idle(OTHER, 0));
    sampler.doWork();

    assertThat(history.of(ONE)).isEmpty();
    assertThat(history.of(OTHER)).hasSize(1);
  }

  private void pass(Duration time) {
    nanos += time.toNanos();
  }
}
