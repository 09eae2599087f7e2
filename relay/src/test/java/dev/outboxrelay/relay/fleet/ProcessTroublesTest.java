package dev.outboxrelay.relay.fleet;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.relay.fact.Cause;
import dev.outboxrelay.relay.fact.Part;
import dev.outboxrelay.relay.fact.Trouble;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ProcessTroublesTest {
  private Instant now = Instant.ofEpochMilli(1_000);
  private long dropped;
  private final ProcessTroubles troubles = new ProcessTroubles(() -> dropped, () -> now);

  @Test
  void aLogThatDropsIsTroubleUntilNothingWasDroppedForAMinute() {
    assertThat(troubles.now()).isEmpty();
    dropped = 3;
    troubles.now();
    dropped = 5;
    now = now.plusSeconds(30);
    assertThat(troubles.now())
        .containsExactly(
            new Trouble(new Cause.PartFailed(Part.LOG, "5 lines since the start"), 1_000, 2));
    now = now.plus(Duration.ofSeconds(60));
    assertThat(troubles.now()).hasSize(1);
    now = now.plusMillis(1);
    assertThat(troubles.now()).isEmpty();
  }

  @Test
  void aConfigurationThatCannotBeUsedIsTroubleUntilItCan() {
    troubles.config(Optional.of("no such file"));
    troubles.config(Optional.of("no right"));
    assertThat(troubles.now())
        .containsExactly(new Trouble(new Cause.PartFailed(Part.CONFIG, "no right"), 1_000, 2));
    troubles.config(Optional.empty());
    assertThat(troubles.now()).isEmpty();
  }
}
