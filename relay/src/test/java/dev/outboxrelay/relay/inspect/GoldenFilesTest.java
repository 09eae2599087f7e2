package dev.outboxrelay.relay.inspect;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.outboxrelay.client.record.OutboxRecord;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class GoldenFilesTest {
  /** What a chain of entries alone can show; verify looks at more. */
  private static final Set<String> OF_THE_CHAIN =
      Set.of(
          "unreadable-header",
          "hostile-length",
          "chain-ends-before-word1",
          "missing-eof",
          "crc",
          "not-a-record");

  /** What verify must find besides, and besides gaps between the sequences that are there. */
  private static final Map<String, Set<String>> BESIDES =
      Map.of(
          "failed-cycle", Set.of("cycle-failed"),
          "flipped-byte-in-the-last", Set.of("sequences-missing"),
          "state-ahead", Set.of("sequences-missing"),
          "state-missing", Set.of("state-unreadable"),
          "state-missing-position-ahead", Set.of("state-unreadable", "position-ahead"),
          "state-zeroed", Set.of("state-unreadable"));

  @TempDir private Path dir;

  static List<String> names() throws IOException {
    return GoldenOutbox.names();
  }

  @ParameterizedTest
  @MethodSource("names")
  void theWalkFindsEveryRecordBehindDamageToo(String name) throws IOException {
    GoldenOutbox golden = GoldenOutbox.create(name, dir.resolve("outbox"));

    List<String> found = new ArrayList<>();
    new QueueWalk(golden.paths()).all(event -> found.add(describe(event)));

    List<String> expected = new ArrayList<>();
    golden.expected().get("records").forEach(record -> expected.add(describe(record)));
    assertThat(found).isEqualTo(expected);
  }

  @ParameterizedTest
  @MethodSource("names")
  void verifyNamesEveryProblemAndNoOther(String name) throws IOException {
    GoldenOutbox golden = GoldenOutbox.create(name, dir.resolve("outbox"));

    VerifyReport report = QueueVerifier.verify(golden.paths());

    List<String> expected = new ArrayList<>();
    golden
        .expected()
        .get("problems")
        .forEach(
            problem ->
                expected.add(
                    problem.get("kind").asText()
                        + " "
                        + problem.get("cycle")
                        + " "
                        + problem.get("offset")));
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

  private static Set<String> besides(GoldenOutbox golden) {
    Set<String> kinds = new HashSet<>(BESIDES.getOrDefault(golden.name(), Set.of()));
    long previous = 0;
    for (JsonNode record : golden.expected().get("records")) {
      if (record.get("sequence").asLong() != previous + 1) {
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
