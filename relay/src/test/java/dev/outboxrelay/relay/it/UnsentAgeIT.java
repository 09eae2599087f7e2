package dev.outboxrelay.relay.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.relay.config.RelayConfig;
import dev.outboxrelay.relay.fact.FactListener;
import dev.outboxrelay.relay.inspect.OldestEvent;
import dev.outboxrelay.relay.metrics.RelayMetrics;
import dev.outboxrelay.relay.pipeline.Contexts;
import dev.outboxrelay.relay.pipeline.Pipeline;
import dev.outboxrelay.relay.pipeline.PipelineStatus;
import dev.outboxrelay.relay.pipeline.UnsettledAge;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The age of the oldest unsent event, by a real pipeline's metrics, whose loop the test turns or
 * lets stand. Nobody listens at its broker's address.
 */
class UnsentAgeIT {
  private static final Duration HOUR = Duration.ofHours(1);
  private static final int TURNS = 50;

  @TempDir private Path directory;

  private double ageIn(Duration future, Pipeline pipeline) {
    Clock clock = Clock.fixed(Instant.now().plus(future), ZoneOffset.UTC);
    try (RelayMetrics metrics =
        new RelayMetrics("1", new UnsettledAge(clock), List::of, System::nanoTime)) {
      metrics.watch(directory.resolve("outbox"), () -> seen(pipeline));
      return metrics
          .scrape(false)
          .lines()
          .filter(line -> line.startsWith("outbox_relay_oldest_unsent_age_seconds{"))
          .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' '))))
          .sum();
    }
  }

  /** As another thread sees it. */
  private static PipelineStatus seen(Pipeline pipeline) {
    pipeline.look(new OldestEvent(1 << 20)::appendMillis);
    return pipeline.status();
  }

  private Pipeline open() {
    Map<String, String> env =
        Map.of(
            "OUTBOX_DIR", directory.resolve("outbox").toString(),
            "OUTBOX_HTTP_ADDRESS", "off",
            "OUTBOX_TRUST_PARENT", "1",
            "KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1");
    RelayConfig config = RelayConfig.from(env);
    return Pipeline.open(config, config::kafka, Contexts.telling(config, FactListener.NONE));
  }

  private static void turn(Pipeline pipeline) {
    for (int turn = 0; turn < TURNS; turn++) {
      pipeline.doWork();
    }
  }

  @Test
  void afterARestartItIsRightBeforeTheLoopHasReadAnything() {
    try (OutboxUnderTest outbox = new OutboxUnderTest(directory.resolve("outbox"))) {
      // Its clock is twelve hours behind.
      outbox.append("orders", "first");
      try (Pipeline pipeline = open()) {
        turn(pipeline);
        assertThat(ageIn(Duration.ZERO, pipeline)).isBetween(12 * 3600.0, 13 * 3600.0);
      }
      try (Pipeline restarted = open()) {
        assertThat(ageIn(Duration.ZERO, restarted)).isBetween(12 * 3600.0, 13 * 3600.0);
        assertThat(ageIn(HOUR, restarted)).isBetween(13 * 3600.0, 14 * 3600.0);
      }
    }
  }

  @Test
  void itGrowsWhileTheLoopStandsStillAlsoForWhatWasAppendedSince() {
    try (OutboxUnderTest outbox = new OutboxUnderTest(directory.resolve("outbox"));
        Pipeline pipeline = open()) {
      turn(pipeline);
      assertThat(ageIn(HOUR, pipeline)).isZero();
      // From here on the loop does not turn any more.
      outbox.append("orders", "first");
      assertThat(ageIn(Duration.ZERO, pipeline)).isBetween(12 * 3600.0, 13 * 3600.0);
      assertThat(ageIn(HOUR, pipeline)).isBetween(13 * 3600.0, 14 * 3600.0);
    }
  }
}
