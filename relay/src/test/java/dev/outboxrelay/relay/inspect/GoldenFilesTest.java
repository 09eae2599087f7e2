package dev.outboxrelay.relay.inspect;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.client.cycle.CycleStep;
import dev.outboxrelay.client.files.Position;
import dev.outboxrelay.client.files.PositionFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class GoldenFilesTest {
  /** What FORMAT.md, <i>Reading</i>, names; verify looks at more. */
  private static final Set<String> OF_READING =
      Arrays.stream(CycleStep.Problem.values())
          .map(CycleStep.Problem::label)
          .collect(Collectors.toSet());

  /** What verify must find besides, and besides gaps between the sequences that are there. */
  private static final Map<String, Set<String>> BESIDES =
      Map.ofEntries(
          Map.entry("cap-and-another-outbox-settled", Set.of("position-foreign")),
          Map.entry("entry-0-elsewhere", Set.of("index", "sequences-missing")),
          Map.entry("failed-cycle", Set.of("cycle-failed")),
          Map.entry("failed-cycle-that-was-settled", Set.of("position-ahead", "sequences-missing")),
          Map.entry("failed-mark-and-damaged-sequence", Set.of("cycle-failed")),
          Map.entry("failed-slots-in-use", Set.of("cycle-failed", "sequences-missing")),
          Map.entry("flipped-byte-in-the-last", Set.of("sequences-missing")),
          Map.entry("former-format-without-state", Set.of("state-unreadable")),
          Map.entry("identity-from-position", Set.of("state-unreadable")),
          Map.entry("newest-cycle-removed", Set.of("sequences-missing")),
          Map.entry(
              "newest-cycle-removed-and-settled", Set.of("position-ahead", "sequences-missing")),
          Map.entry("position-ahead", Set.of("position-ahead")),
          Map.entry("position-of-another-outbox-ahead", Set.of("position-foreign")),
          Map.entry("state-ahead", Set.of("sequences-missing")),
          Map.entry("state-ahead-of-an-empty-cycle", Set.of("sequences-missing")),
          Map.entry("state-missing", Set.of("state-unreadable")),
          Map.entry("state-missing-another-generation", Set.of("state-unreadable")),
          Map.entry("state-missing-page-0-zeroed", Set.of("state-unreadable")),
          Map.entry("state-missing-position-ahead", Set.of("position-ahead", "state-unreadable")),
          Map.entry("state-without-identity-and-failed-marks", Set.of("state-unreadable")),
          Map.entry("state-zeroed", Set.of("state-unreadable")),
          Map.entry(
              "unpublished-batch-in-a-failed-cycle", Set.of("cycle-failed", "sequences-missing")),
          Map.entry("word1-within-an-entry", Set.of("write-position")));

  @TempDir private Path dir;

  static List<String> names() throws IOException {
    return GoldenOutbox.names();
  }

  @ParameterizedTest
  @MethodSource("names")
  void verifyFindsTheSameBeforeAnAppend(String name) throws IOException {
    GoldenOutbox golden = GoldenOutbox.create(name, dir.resolve("outbox"));
    VerifyReport report = check(golden);
    assertThat(
            report.problems().stream()
                .map(Problem::kind)
                .filter(kind -> !OF_READING.contains(kind))
                .collect(Collectors.toSet()))
        .isEqualTo(besides(golden));
  }

  @ParameterizedTest
  @MethodSource("names")
  void verifyFindsTheSameBehindAnAppend(String name) throws IOException {
    VerifyReport report = check(GoldenOutbox.create(name, true, dir.resolve("outbox")));
    assertThat(report.problems()).isNotNull();
  }

  private static VerifyReport check(GoldenOutbox golden) throws IOException {
    List<String> found = new ArrayList<>();
    if (golden.stopped() == null) {
      new QueueWalk(golden.paths()).all(event -> found.add(describe(event)));
      assertThat(found).isEqualTo(golden.records());
      found.clear();
      QueueWalk.untilNow(golden.paths()).all(event -> found.add(describe(event)));
      assertThat(found).isEqualTo(golden.records());
    }

    VerifyReport report = QueueVerifier.verify(golden.paths());
    assertThat(report.problems())
        .filteredOn(problem -> OF_READING.contains(problem.kind()))
        .extracting(GoldenFilesTest::describe)
        .isEqualTo(golden.problems());
    assertThat(report.records()).isEqualTo(golden.records().size());
    assertThat(report.stopped() == null ? null : describe(report.stopped()))
        .isEqualTo(golden.stopped());
    return report;
  }

  private static Set<String> besides(GoldenOutbox golden) throws IOException {
    Set<String> kinds = new HashSet<>(BESIDES.getOrDefault(golden.name(), Set.of()));
    Path position = golden.paths().position();
    long previous = PositionFile.find(position).map(Position::sequence).orElse(0L);
    for (long sequence : golden.sequences()) {
      if (sequence > previous + 1) {
        kinds.add("sequences-missing");
      }
      previous = sequence;
    }
    return kinds;
  }

  private static String describe(Problem problem) {
    return problem.kind() + " " + problem.cycle() + " " + problem.offset();
  }

  private static String describe(FoundEvent event) {
    return GoldenOutbox.describe(event.cycle(), event.offset(), event.record());
  }
}
