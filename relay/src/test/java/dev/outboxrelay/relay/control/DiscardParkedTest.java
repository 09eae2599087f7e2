package dev.outboxrelay.relay.control;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.outboxrelay.client.DeliveryOutcome;
import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutboxReader;
import dev.outboxrelay.client.files.OutcomesFile;
import dev.outboxrelay.client.files.PositionFile;
import dev.outboxrelay.client.writing.WriterOptions;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class DiscardParkedTest extends DeskFixture {
  @Test
  void whatIsParkedIsGivenUpOnceItsLaneHasEnded() throws IOException {
    apply(replay(Selection.ALL, null));
    laneRuns = 3;
    isGivenUp(paths, apply(discardParked("a")));
    assertThat(unlocked).isEqualTo(1);
    assertThat(OutcomesFile.outcomeOf(2, paths.outcomes())).isEqualTo(DeliveryOutcome.PARKED);
    assertThat(apply(discardParked("a")).path("discarded").asLong()).isZero();
    assertThat(apply(discardParked("none")).path("discarded").asLong()).isZero();
  }

  @Test
  void whatIsToldToBeDeliveredIsNotToldToBeDead() throws IOException {
    apply(replay(Selection.ALL, null));
    try (OutcomesFile outcomes = OutcomesFile.open(paths.outcomes(), Disk.REAL)) {
      outcomes.append(List.of(new OutcomesFile.Range(1, 1, DeliveryOutcome.DELIVERED)));
      outcomes.append(List.of(new OutcomesFile.Range(4, 4, DeliveryOutcome.DELIVERED)));
    }
    assertThat(apply(discardParked("a")).path("discarded").asLong()).isEqualTo(3);
    for (long sequence : new long[] {1, 4}) {
      assertThat(OutcomesFile.outcomeOf(sequence, paths.outcomes()))
          .isEqualTo(DeliveryOutcome.DELIVERED);
    }
    assertThat(OutcomesFile.outcomeOf(3, paths.outcomes())).isEqualTo(DeliveryOutcome.DEAD);
  }

  @Test
  void whatBecameOfAllThatIsGivenUpAtOnceIsReadInOnePass() throws IOException {
    apply(replay(Selection.ALL, null));
    Request request = discardParked("a");
    ControlFiles files = new ControlFiles(paths, Disk.REAL);
    files.submit(request);
    List<Set<Long>> passes = new ArrayList<>();
    try (Desk opened = new Desk(paths, Disk.REAL);
        DiscardTask task =
            new DiscardTask(
                request,
                null,
                opened.place,
                files,
                (sequences, file) -> {
                  passes.add(Set.copyOf(sequences));
                  return OutcomesFile.outcomesOf(sequences, file);
                })) {
      while (task.step() != Task.Step.DONE) {
        // Until all is given up.
      }
      assertThat(task.report().path("discarded").asLong()).isEqualTo(3);
      task.over();
      assertThat(opened.parked.pollDiscarded()).isEqualTo("a");
      assertThat(opened.parked.pollDiscarded()).isNull();
    }
    assertThat(passes).containsExactly(Set.of(1L, 3L, 4L));
  }

  @Test
  void whatTheMainQueueHasLostIsGivenUpAndNobodyIsTold() throws IOException {
    saved = 50;
    parkLost("lost", 99);
    JsonNode answer = apply(discardParked("lost"));
    assertThat(answer.path("discarded").asLong()).isEqualTo(1);
    assertThat(answer.path("not_settled").asLong()).isZero();
    assertThat(OutcomesFile.read(paths.outcomes())).isEmpty();
  }

  @Test
  void replaysAreGivenUpAlone() throws IOException {
    apply(replay(topics("a"), null));
    parkLost("a", 2);
    apply(replay(topics("b"), "a"));
    Request request = new Request(UUID.randomUUID(), Verb.DISCARD_REPLAYS, Selection.ALL, "a");
    JsonNode answer = apply(request);
    assertThat(answer.path("discarded").asLong()).isEqualTo(3);
    assertThat(answer.path("left").asLong()).isEqualTo(2);
    assertThat(new OutboxReader(paths.parked("a")).status().lagEvents()).isEqualTo(2);
  }

  @Test
  void whatNoSavedPositionCoversStaysParked() throws IOException {
    apply(replay(Selection.ALL, null));
    saved = 3;
    JsonNode answer = apply(discardParked("a"));
    assertThat(answer.path("discarded").asLong()).isEqualTo(2);
    assertThat(answer.path("not_settled").asLong()).isEqualTo(1);
    assertThat(new OutboxReader(paths.parked("a")).status().lagEvents()).isEqualTo(1);
  }

  @Test
  void ofATopicWhosePositionIsDamagedNothingIsGivenUp() throws IOException {
    apply(replay(Selection.ALL, null));
    lanePosition(paths.parked("a"), 1);
    Path position = paths.parked("a").position();
    Files.write(position, new byte[] {1, 2, 3});
    assertThat(apply(discardParked("a")).path("error").asText()).contains("parked/a");
    assertThat(OutcomesFile.outcomeOf(1, paths.outcomes())).isEqualTo(DeliveryOutcome.PARKED);
  }

  @Test
  void whatIsParkedAndCantBeReadIsNotGivenUp() throws IOException {
    apply(replay(topics("a"), null));
    WriterOptions lane = WriterOptions.parked(paths.parked("a"));
    later(lane, 1, 2);
    later(lane, 2, 1);
    later(lane, 3, 1);
    Request request = discardParked("a");
    new ControlFiles(paths, Disk.REAL).submit(request);
    OutboxPaths chosen = copy("chosen");
    Path taken = chosen.control().resolve(request.id() + ControlFiles.TAKEN);
    for (int at = 0; at < 200 && Files.notExists(taken); at++) {
      try {
        run(chosen, request.id(), KillingDisk.at(at, false).disk());
      } catch (KillingDisk.Killed e) {
        // as it should be
      }
    }
    for (OutboxPaths each : List.of(paths, chosen)) {
      Closeable again = unreadable(each.parked("a"), 1);
      JsonNode answer = run(each, request.id(), Disk.REAL).orElseThrow();
      assertThat(answer.path("discarded").asLong()).isEqualTo(3);
      assertThat(answer.path("unread_because").asText()).contains("regular file");
      assertThat(PositionFile.find(each.parked("a").position()).orElseThrow().sequence())
          .isEqualTo(3);
      again.close();
      paths = each;
      assertThat(apply(discardParked("a")).path("discarded").asLong()).isEqualTo(4);
    }
  }
}
