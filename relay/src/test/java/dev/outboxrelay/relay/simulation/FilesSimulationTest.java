package dev.outboxrelay.relay.simulation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/** Random histories of a relay on real files, with requests, each from its own seed. */
class FilesSimulationTest {
  private static final long SEEDS = Long.getLong("simulation.files.seeds", 30);

  @Test
  void eachHistoryKeepsWhatIsPromised() {
    assertThat(LosingDisk.isPossible()).isTrue();
    LongStream.rangeClosed(1, SEEDS)
        .forEach(
            seed ->
                assertThatCode(() -> FilesHistory.run(seed))
                    .as("seed %d", seed)
                    .doesNotThrowAnyException());
  }
}
