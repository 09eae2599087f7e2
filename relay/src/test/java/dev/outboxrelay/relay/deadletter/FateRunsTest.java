package dev.outboxrelay.relay.deadletter;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class FateRunsTest {
  private static final int NUMBERS = 40;

  @Test
  void runsTellWhatWasToldLastOfEachNumber() {
    Random random = new Random(1);
    for (int history = 0; history < 500; history++) {
      FateRuns runs = new FateRuns();
      Fate[] told = new Fate[NUMBERS + 1];
      for (int i = 0; i < 12; i++) {
        int first = 1 + random.nextInt(NUMBERS);
        int last = Math.min(NUMBERS, first + random.nextInt(8));
        Fate fate = random.nextBoolean() ? Fate.REPLAYED : Fate.DISCARDED;
        runs.add(first, last, fate);
        for (int number = first; number <= last; number++) {
          told[number] = fate;
        }
      }
      int needed = 0;
      for (int number = 1; number <= NUMBERS; number++) {
        assertThat(runs.of(number)).isEqualTo(Optional.ofNullable(told[number]));
        needed += told[number] != null && told[number] != told[number - 1] ? 1 : 0;
      }
      assertThat(runs.size()).isEqualTo(needed);
    }
  }
}
