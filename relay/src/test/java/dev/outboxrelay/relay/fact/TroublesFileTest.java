package dev.outboxrelay.relay.fact;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TroublesFileTest {
  private static final Trouble MISSING_TOPIC =
      new Trouble(
          new Verdict.PauseTopic("orders", PauseReason.TOPIC_MISSING, "no \"orders\""), 500, 7);

  @TempDir private Path directory;
  private Path file;

  @BeforeEach
  void name() {
    file = directory.resolve("relay.troubles");
  }

  @Test
  void whatIsWrittenIsReadAndTakesTheSameSpaceWhateverItIs() throws IOException {
    try (TroublesFile written = new TroublesFile(file)) {
      written.write(List.of(MISSING_TOPIC), 1_000);
      assertThat(Files.size(file)).isEqualTo(4096);
      TroublesFile.Told told = TroublesFile.read(file).orElseThrow();
      assertThat(told.writtenMillis()).isEqualTo(1_000);
      assertThat(told.troubles()).hasToString("[" + TroubleJson.of(MISSING_TOPIC) + "]");

      written.write(List.of(), 2_000);
      assertThat(Files.size(file)).isEqualTo(4096);
      assertThat(TroublesFile.read(file).orElseThrow().troubles()).isEmpty();
    }
  }

  @Test
  void moreThanFitsIsCutBehindAWholeTrouble() throws IOException {
    Cause longest = new Cause.PartFailed(Part.POSITION, "é".repeat(5_000));
    try (TroublesFile written = new TroublesFile(file)) {
      written.write(Collections.nCopies(20, new Trouble(longest, 1, 1)), 1_000);
    }

    assertThat(TroublesFile.read(file).orElseThrow().troubles())
        .isNotEmpty()
        .allSatisfy(trouble -> assertThat(trouble.get("error").asText()).hasSize(401));
  }

  @Test
  void manyTopicsDoNotPushOutWhatFailsOfTheRelaysWork() throws IOException {
    List<Trouble> troubles = new ArrayList<>();
    for (int topic = 0; topic < Bars.SHOWN; topic++) {
      Verdict pause =
          new Verdict.PauseTopic("t" + topic, PauseReason.TOPIC_MISSING, "x".repeat(390));
      troubles.add(new Trouble(pause, 500, 7));
    }
    troubles.add(new Trouble(new Cause.PartFailed(Part.POSITION, "é".repeat(390)), 600, 1));
    troubles.add(new Trouble(new Cause.PartFailed(Part.SYNC, "EIO"), 700, 1));
    try (TroublesFile written = new TroublesFile(file)) {
      written.write(troubles, 1_000);
    }

    TroublesFile.Told told = TroublesFile.read(file).orElseThrow();
    assertThat(told.troubles())
        .extracting(trouble -> trouble.path("topic").asText(trouble.path("kind").asText()))
        .startsWith("t0", "t1", "t2")
        .endsWith("position", "sync");
    assertThat(told.troubles().size() + told.leftOut()).isEqualTo(troubles.size());
    assertThat(told.leftOut()).isPositive();
  }

  @Test
  void whatIsThereButSaysNothingIsNothing() throws IOException {
    assertThat(TroublesFile.read(file)).isEmpty();
    for (String text : List.of("", "no json", "{\"troubles\":[]}", "[1]", "{\"written\":1")) {
      Files.writeString(file, text);
      assertThat(TroublesFile.read(file)).as(text).isEmpty();
    }
  }
}
