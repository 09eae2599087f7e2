package dev.outboxrelay.relay.simulation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Random histories of a whole relay, each from its own seed. */
class SimulationTest {
  private static final long SEEDS = Long.getLong("simulation.seeds", 3_400);

  /** Those that have found something, and the same number each time. */
  private static final List<Long> FOUND = List.of(6L, 41L, 188L, 198L, 1_233L);

  @ParameterizedTest
  @EnumSource(History.class)
  void eachHistoryKeepsWhatIsPromised(History history) {
    LongStream.concat(FOUND.stream().mapToLong(Long::longValue), LongStream.rangeClosed(1, SEEDS))
        .parallel()
        .forEach(
            seed ->
                assertThatCode(() -> history.run(seed))
                    .as("seed %d of %s", seed, history)
                    .doesNotThrowAnyException());
  }

  @Test
  void theHistoriesReachWhatTheyAreFor() {
    LongStream.rangeClosed(1, 50).forEach(History.ANYTHING_FAILS::run);
    assertThat(Simulation.REACHED)
        .containsKeys(
            "crash",
            "power cut",
            "killed at a change",
            "main Delivered",
            "main Rewound",
            "main Parked",
            "main TopicBarred",
            "main TopicOpened",
            "main TopicParked",
            "main TopicResumed",
            "main ClusterSeen",
            "main Failed",
            "main DeadLettered",
            "main Quarantined",
            "main Missing",
            "lane Delivered",
            "lane Rewound",
            "lane DeadLettered");
  }
}
