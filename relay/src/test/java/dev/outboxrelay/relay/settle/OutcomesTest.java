package dev.outboxrelay.relay.settle;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.client.DeliveryOutcome;
import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutcomesFile;
import dev.outboxrelay.client.files.OutcomesFile.Range;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OutcomesTest {
  @TempDir private Path dir;

  private OutboxPaths paths() {
    return new OutboxPaths(dir);
  }

  private Outcomes open(long settled) throws IOException {
    return Outcomes.open(paths(), settled, Disk.REAL);
  }

  private DeliveryOutcome outcome(long sequence) throws IOException {
    return OutcomesFile.outcomeOf(sequence, paths().outcomes());
  }

  private static List<Range> parked(long first, long last) {
    return List.of(new Range(first, last, DeliveryOutcome.PARKED));
  }

  private static List<Range> delivered(long first, long last) {
    return List.of(new Range(first, last, DeliveryOutcome.DELIVERED));
  }

  @Test
  void whatALaneDeliversBeforeThePositionCoversItCountsAsDelivered() throws IOException {
    try (Outcomes outcomes = open(1)) {
      outcomes.ofLane(delivered(3, 5));
      outcomes.append(parked(2, 4));
      assertThat(outcome(2)).isEqualTo(DeliveryOutcome.PARKED);
      assertThat(outcome(4)).isEqualTo(DeliveryOutcome.DELIVERED);
      // Its position could not be saved, so it is told once more.
      outcomes.append(parked(2, 6));
      outcomes.saved(6);
    }
    assertThat(outcome(2)).isEqualTo(DeliveryOutcome.PARKED);
    assertThat(outcome(5)).isEqualTo(DeliveryOutcome.DELIVERED);
    assertThat(outcome(6)).isEqualTo(DeliveryOutcome.PARKED);
  }

  @Test
  void soItDoesWhereTheRelayWasKilledOnceOrTwiceInBetween() throws IOException {
    try (Outcomes outcomes = open(1)) {
      outcomes.ofLane(delivered(3, 5));
    }
    open(1).close();
    try (Outcomes outcomes = open(1)) {
      outcomes.append(parked(2, 5));
      outcomes.saved(5);
    }
    assertThat(outcome(2)).isEqualTo(DeliveryOutcome.PARKED);
    assertThat(outcome(5)).isEqualTo(DeliveryOutcome.DELIVERED);
  }

  @Test
  void whatIsParkedForgetsWhatAnEarlierPositionSaidOfIt() throws IOException {
    try (Outcomes outcomes = open(1)) {
      outcomes.append(parked(2, 3));
      outcomes.append(List.of(new Range(4, 4, DeliveryOutcome.DEAD)));
    }
    try (Outcomes outcomes = open(1)) {
      assertThat(OutcomesFile.read(paths().outcomes())).isEmpty();
      outcomes.append(parked(4, 4));
    }
    assertThat(outcome(4)).isEqualTo(DeliveryOutcome.PARKED);
  }

  @Test
  void anOutboxWithoutAPositionIsANewOne() throws IOException {
    try (Outcomes outcomes = open(1)) {
      outcomes.ofLane(delivered(2, 2));
    }
    try (Outcomes outcomes = open(0)) {
      outcomes.append(parked(2, 2));
    }
    assertThat(outcome(2)).isEqualTo(DeliveryOutcome.PARKED);
  }
}
