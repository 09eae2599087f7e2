package dev.outboxrelay.relay.inspect;

import static java.util.Map.entry;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.outboxrelay.client.OutboxUnavailable;
import dev.outboxrelay.client.cycle.CycleStep;
import dev.outboxrelay.client.record.OutboxRecord;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class GoldenFilesTest {
  /** What a chain of entries alone can show; verify looks at more. */
  private static final Set<String> OF_THE_CHAIN =
      Stream.concat(
              Stream.of("former-format", "later-version"),
              Arrays.stream(CycleStep.Problem.values()).map(CycleStep.Problem::label))
          .collect(Collectors.toSet());

  /** What verify must find besides, and besides gaps between the sequences that are there. */
  private static final Map<String, Set<String>> BESIDES =
      Map.ofEntries(
          entry("cap-and-another-outbox-settled", Set.of("position-foreign")),
          entry("failed-cycle", Set.of("cycle-failed")),
          entry("failed-cycle-that-was-settled", Set.of("position-ahead", "sequences-missing")),
          entry("failed-mark-and-damaged-sequence", Set.of("cycle-failed")),
          entry("failed-slots-in-use", Set.of("cycle-failed", "sequences-missing")),
          entry("flipped-byte-in-the-last", Set.of("sequences-missing")),
          entry("former-format-without-state", Set.of("state-unreadable")),
          entry("identity-from-position", Set.of("state-unreadable")),
          entry("newest-cycle-removed", Set.of("sequences-missing")),
          entry("newest-cycle-removed-and-settled", Set.of("position-ahead", "sequences-missing")),
          entry("position-ahead", Set.of("position-ahead")),
          entry("state-ahead", Set.of("sequences-missing")),
          entry("state-ahead-of-an-empty-cycle", Set.of("sequences-missing")),
          entry("state-missing", Set.of("state-unreadable")),
          entry("state-missing-another-generation", Set.of("state-unreadable")),
          entry("state-missing-page-0-zeroed", Set.of("state-unreadable")),
          entry("state-missing-position-ahead", Set.of("state-unreadable", "position-ahead")),
          entry("state-without-identity-and-failed-marks", Set.of("state-unreadable")),
          entry("state-zeroed", Set.of("state-unreadable")),
          entry("word1-within-an-entry", Set.of("write-position")));

  /** What is missing before the first record was settled. */
  private static final Set<String> SETTLED_BEFORE = Set.of("identity-from-position");

  @TempDir private Path dir;

  static List<String> names() throws IOException {
    return GoldenOutbox.names();
  }

  @ParameterizedTest
  @MethodSource("names")
  void theWalkFindsEveryRecordBehindDamageToo(String name) throws IOException {
    GoldenOutbox golden = GoldenOutbox.create(name, dir.resolve("outbox"));

    List<String> found = new ArrayList<>();
    QueueVisitor visitor = event -> found.add(describe(event));
    if (golden.isStopped()) {
      assertThatThrownBy(() -> new QueueWalk(golden.paths()).all(visitor))
          .isInstanceOf(OutboxUnavailable.class);
    } else {
      new QueueWalk(golden.paths()).all(visitor);
    }

    List<String> expected = new ArrayList<>();
    golden.expected().get("records").forEach(record -> expected.add(describe(record)));
    assertThat(found).isEqualTo(expected);
  }

  @ParameterizedTest
  @MethodSource("names")
  void verifyNamesEveryProblemAndNoOther(String name) throws IOException {
    GoldenOutbox golden = GoldenOutbox.create(name, dir.resolve("outbox"));

    if (golden.isStopped() && golden.expected().get("stopped").get("cycle").isNull()) {
      assertThatThrownBy(() -> QueueVerifier.verify(golden.paths()))
          .isInstanceOf(OutboxUnavailable.class);
      return;
    }
    VerifyReport report = QueueVerifier.verify(golden.paths());

    List<String> expected = new ArrayList<>();
    golden.expected().get("problems").forEach(problem -> expected.add(place(problem)));
    if (golden.isStopped()) {
      expected.add(place(golden.expected().get("stopped")));
    }
    assertThat(report.problems())
        .filteredOn(problem -> OF_THE_CHAIN.contains(problem.kind()))
        .extracting(problem -> problem.kind() + " " + problem.cycle() + " " + problem.offset())
        .isEqualTo(expected);
    assertThat(
            report.problems().stream()
                .map(Problem::kind)
                .filter(kind -> !OF_THE_CHAIN.contains(kind))
                .collect(Collectors.toSet()))
        .isEqualTo(besides(golden));
    assertThat(report.records()).isEqualTo(golden.expected().get("records").size());
  }

  private static String place(JsonNode problem) {
    return String.join(
        " ",
        problem.get("kind").asText(),
        problem.get("cycle").asText(),
        problem.get("offset").asText());
  }

  private static Set<String> besides(GoldenOutbox golden) {
    Set<String> kinds = new HashSet<>(BESIDES.getOrDefault(golden.name(), Set.of()));
    long previous = 0;
    for (JsonNode record : golden.expected().get("records")) {
      boolean settled = previous == 0 && SETTLED_BEFORE.contains(golden.name());
      if (record.get("sequence").asLong() != previous + 1 && !settled) {
        kinds.add("sequences-missing");
      }
      previous = record.get("sequence").asLong();
    }
    return kinds;
  }

  private static String describe(FoundEvent event) {
    OutboxRecord record = event.record();
    return String.join(
        " ",
        List.of(
            "" + event.cycle(),
            "" + event.offset(),
            "" + (event.index() & 0xffffffffL),
            "" + record.sequence(),
            "" + record.eventId(),
            "" + record.appendTime(),
            "" + record.timestamp(),
            record.topic(),
            hex(record.key()),
            hex(record.value()),
            "" + record.headers().size()));
  }

  private static String describe(JsonNode record) {
    return String.join(
        " ",
        List.of(
            record.get("cycle").asText(),
            record.get("offset").asText(),
            record.get("entry").asText(),
            record.get("sequence").asText(),
            record.get("event_id").asText(),
            record.get("append_time").asText(),
            record.get("timestamp").asText(),
            record.get("topic").asText(),
            record.get("key").asText("null"),
            record.get("value").asText("null"),
            "" + record.get("headers").size()));
  }

  private static String hex(byte[] bytes) {
    return bytes == null ? "null" : HexFormat.of().formatHex(bytes);
  }
}
