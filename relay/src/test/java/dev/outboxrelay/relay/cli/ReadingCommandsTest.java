package dev.outboxrelay.relay.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.outboxrelay.client.Outbox;
import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.relay.fact.Bars;
import dev.outboxrelay.relay.fact.Cause;
import dev.outboxrelay.relay.fact.Part;
import dev.outboxrelay.relay.fact.PauseReason;
import dev.outboxrelay.relay.fact.Trouble;
import dev.outboxrelay.relay.fact.TroublesFile;
import dev.outboxrelay.relay.fact.Verdict;
import dev.outboxrelay.relay.inspect.GoldenOutbox;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ReadingCommandsTest {
  @TempDir private Path dir;

  @Test
  void inspectListsEventsOldestFirstAndKeepsValuesToItself() throws IOException {
    CommandLineRun run = run("roll-by-hour", "inspect");

    assertThat(run.exitCode()).isZero();
    assertThat(run.out().lines()).hasSize(5).allMatch(line -> line.startsWith("index=0x"));
    assertThat(run.out().lines().map(line -> field(line, "sequence")))
        .containsExactly("1", "2", "3", "4", "5");
    assertThat(run.out()).contains("value_bytes=").doesNotContain(" value=");
  }

  @Test
  void inspectShowsValuesOnRequest() throws IOException {
    JsonNode first =
        json(run("all-fields", "inspect", "--values", "--json", "--limit", "1").out().strip());

    assertThat(first.get("value").asText()).isEqualTo("v");
    assertThat(json(run("all-fields", "inspect", "--json", "--limit", "1").out()).has("value"))
        .isFalse();
  }

  @Test
  void inspectShowsBinaryKeysAsBase64AndTombstonesAsNull() throws IOException {
    List<JsonNode> events =
        run("all-fields", "inspect", "--json", "--values").out().lines().map(this::json).toList();

    assertThat(events).anyMatch(event -> event.has("key_base64"));
    assertThat(events)
        .filteredOn(event -> event.get("topic").asText().equals("tombstone"))
        .allMatch(event -> event.get("value").isNull() && event.get("value_bytes").isNull());
  }

  @Test
  void inspectSelectsByTopicIndexTimeIdAndNumber() throws IOException {
    assertThat(sequences("--topic", "four")).containsExactly("14", "15", "16", "17");
    assertThat(sequences("--topic", "four", "--topic", "t")).hasSize(5);
    assertThat(sequences("--from-index", "0x77d9000000003", "--to-index", "2108382265737220"))
        .containsExactly("4", "5");
    assertThat(sequences("--from", "2026-01-01T00:10:00.016Z")).containsExactly("16", "17");
    assertThat(sequences("--to", "1767226200003")).containsExactly("1", "2");
    assertThat(sequences("--event-id", "f81d4fae-7dec-41d0-a765-00a0c91e6bf6"))
        .containsExactly("13");
    assertThat(sequences("--limit", "0")).hasSize(17);
  }

  @Test
  void inspectSaysThatTheLimitCutSomethingOff() throws IOException {
    CommandLineRun run = run("all-fields", "inspect", "--limit", "2");

    assertThat(run.out().lines()).hasSize(2);
    assertThat(run.err()).contains("raise --limit");
  }

  @Test
  void inspectShowsCorruptDataInItsPlaceAndGoesOn() throws IOException {
    List<String> lines = run("flipped-byte", "inspect").out().lines().toList();

    assertThat(lines).hasSize(3);
    assertThat(lines.get(1)).startsWith("corrupt=crc cycle=490896 offset=65940 bytes=");
    assertThat(field(lines.get(2), "sequence")).isEqualTo("3");
  }

  @Test
  void inspectListsWhatWaitsBehindThePosition() throws IOException {
    CommandLineRun run = run("state-missing-position-ahead", "inspect", "--waiting");

    assertThat(run.exitCode()).isZero();
    assertThat(run.out()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"inspect", "dead-letters list"})
  void aListingEndsThoughEachOfItsLinesIsAppended(String command) {
    OutboxPaths paths = new OutboxPaths(dir.resolve("outbox"));
    Outbox.open(paths.root()).close();
    boolean letters = command.startsWith("dead");
    Path listed = letters ? paths.deadLetters().root() : paths.root();
    try (Outbox outbox = Outbox.open(listed)) {
      OutboxEvent event = OutboxEvent.of("t", "x");
      outbox.appendAll(List.of(event, event, event));
      Lines lines = new Lines(() -> outbox.append(event));
      String[] arguments = (command + " --limit 0").split(" ", -1);

      CommandLineRun run =
          CommandLineRun.on(lines, Map.of("OUTBOX_DIR", paths.root().toString()), arguments);

      assertThat(lines.count).isEqualTo(3);
      assertThat(run.exitCode()).isZero();
      assertThat(outbox.status().nextSequence()).isEqualTo(7);
    }
  }

  @Test
  void verifyIsSilentlyHappyWithASoundQueueAndExits7WithProblems() throws IOException {
    CommandLineRun sound = run("roll-by-size", "verify");
    CommandLineRun damaged = run("hole-in-the-chain", "verify");

    assertThat(sound.exitCode()).isZero();
    assertThat(sound.out()).startsWith("ok       queue: ");
    assertThat(damaged.exitCode()).isEqualTo(7);
    assertThat(damaged.out())
        .contains("problem  crc in 20260101-00F.cq4 at 69236")
        .contains("missing sequences 8 … 17");
  }

  @Test
  void verifyTellsScriptsTheSame() throws IOException {
    CommandLineRun run = run("hostile-length", "verify", "--json");
    JsonNode queue = json(run.out()).get("queue");

    assertThat(run.exitCode()).isEqualTo(7);
    assertThat(queue.get("clean").asBoolean()).isFalse();
    assertThat(queue.at("/problems/0/kind").asText()).isEqualTo("hostile-length");
    assertThat(queue.get("records").asLong()).isEqualTo(3);
  }

  @Test
  void whatAnotherVersionWroteIsNamedByAllOfThem() throws IOException {
    String record = "holds at offset 65940 a record of a later version: upgrade";
    CommandLineRun verify = run("later-version-in-the-middle", "verify");
    CommandLineRun inspect = run("later-version-in-the-middle", "inspect");

    assertThat(verify.exitCode()).isEqualTo(7);
    assertThat(verify.out()).contains("stopped  later-version in 20260101-00F.cq4 at 65940");
    assertThat(inspect.out().lines()).hasSize(1);
    assertThat(inspect.exitCode()).isEqualTo(5);
    assertThat(inspect.err()).contains(record).doesNotContain("\tat ");
    assertThat(run("former-format-without-state", "status").out())
        .contains("stopped", "a record of the former format");
    JsonNode stopped =
        json(run("former-format", "verify", "--json").out()).get("queue").get("stopped");
    assertThat(stopped.get("kind").asText()).isEqualTo("former-format");
    assertThat(stopped.get("cycle").isNull()).isTrue();
    CommandLineRun status = run("later-format", "status");
    assertThat(status.exitCode()).isEqualTo(5);
    assertThat(status.err()).contains("outbox.state has format version").doesNotContain("\tat ");
  }

  @Test
  void inspectShowsPartitionsAndBatches() throws IOException {
    List<JsonNode> events =
        run("append-batch-needs-a-page", "inspect", "--json", "--limit", "1")
            .out()
            .lines()
            .map(this::json)
            .toList();
    assertThat(events).allMatch(event -> !event.has("batch") && !event.has("continued"));

    List<JsonNode> batch = run("batch", "inspect", "--json").out().lines().map(this::json).toList();
    assertThat(batch).anyMatch(event -> event.path("batch").asBoolean() && !event.has("continued"));
    assertThat(batch).anyMatch(event -> event.path("continued").asBoolean() && !event.has("batch"));
    assertThat(run("batch", "inspect").out()).contains(" batch=true", " continued=true");
    assertThat(run("partition", "inspect").out()).contains(" partition=");
  }

  @Test
  void statusTellsLagAndAgeFromTheFilesAlone() throws IOException {
    JsonNode status = json(run("roll-by-hour", "status", "--json").out());

    assertThat(status.get("appended_sequence").asLong()).isEqualTo(5);
    assertThat(status.get("settled_sequence").asLong()).isZero();
    assertThat(status.get("lag_events").asLong()).isEqualTo(5);
    assertThat(status.get("lag_bytes").asLong()).isPositive();
    assertThat(status.get("oldest_unsettled").asLong()).isEqualTo(1767226200001L);
    assertThat(status.get("cycles").asInt()).isEqualTo(3);
    assertThat(status.get("relay_pid").isNull()).isTrue();
    assertThat(run("roll-by-hour", "status").out()).contains("waiting", "5 events");
  }

  @Test
  void statusNamesTopicsThatCannotBeWrittenAndWhatFailsThoughTheyAreMany() throws IOException {
    GoldenOutbox golden = GoldenOutbox.create("roll-by-hour", dir.resolve("outbox"));
    List<Trouble> troubles = new ArrayList<>();
    for (int topic = 0; topic < Bars.SHOWN; topic++) {
      Verdict pause = new Verdict.PauseTopic("t" + topic, PauseReason.TOPIC_MISSING, "none");
      troubles.add(new Trouble(pause, 900, 3));
    }
    troubles.add(new Trouble(new Cause.PartFailed(Part.POSITION, "disk full"), 900, 2));
    String all = told(golden, troubles).out();
    String one = told(golden, troubles.subList(0, 1)).out();
    JsonNode json = json(CommandLineRun.of(env(golden), "status", "--json").out());

    assertThat(all)
        .contains("trouble 2 ", "pause-topic t1 topic-missing: none")
        .contains("position: disk full", "more ", "barred_topics in /status.json");
    assertThat(one)
        .contains("pause-topic t0 topic-missing: none; since 1970-01-01T00:00:00.900Z, 3 attempts")
        .contains("; create the topic")
        .doesNotContain("barred_topics");
    assertThat(json.at("/troubles/0/topic").asText()).isEqualTo("t0");
    assertThat(json.get("troubles_left_out").asInt()).isZero();
  }

  @Test
  void statusTellsWhatIsParkedByTheFilesAloneAndNamesTheTopicsWithMostOfIt() throws IOException {
    GoldenOutbox golden = GoldenOutbox.create("roll-by-hour", dir.resolve("outbox"));
    assertThat(CommandLineRun.of(env(golden), "status").out()).doesNotContain("parked");
    Files.createDirectories(golden.paths().parked());
    for (int topic = 0; topic < Bars.SHOWN + 2; topic++) {
      try (Outbox parked = Outbox.open(golden.paths().parked("t" + topic).root())) {
        for (int event = 0; event <= topic % 3; event++) {
          parked.append(OutboxEvent.of("t" + topic, "v"));
        }
      }
    }

    String text = CommandLineRun.of(env(golden), "status").out();
    JsonNode json = json(CommandLineRun.of(env(golden), "status", "--json").out()).get("parked");

    assertThat(text)
        .containsPattern("parked +43 events of 22 topics, .*, the oldest for ")
        .containsPattern("parked 1 +t11: 3 events, ")
        .containsPattern("parked more +2 topics, none with more events than these");
    assertThat(json.get("topics").asInt()).isEqualTo(22);
    assertThat(json.get("events").asInt()).isEqualTo(43);
    assertThat(json.get("of")).hasSize(Bars.SHOWN);
    assertThat(json.at("/of/0/topic").asText()).isEqualTo("t11");
    assertThat(json.get("oldest").asLong()).isPositive();
  }

  private CommandLineRun told(GoldenOutbox golden, List<Trouble> troubles) throws IOException {
    try (TroublesFile file = new TroublesFile(golden.paths().troubles())) {
      file.write(troubles, 1_000);
    }
    return CommandLineRun.of(env(golden), "status");
  }

  @ParameterizedTest
  @ValueSource(strings = {"status", "inspect", "verify", "dead-letters list"})
  void aReadingCommandChangesNothing(String command) throws IOException {
    GoldenOutbox golden = GoldenOutbox.create("hole-in-the-chain", dir.resolve("outbox"));
    Map<Path, FileTime> before = files();

    CommandLineRun.of(env(golden), command.split(" ", -1));

    assertThat(files()).isEqualTo(before);
  }

  @Test
  void anOutboxThatIsNotThereIsUnusableAndOneThatIsNotNamedAUsageError() {
    CommandLineRun missing =
        CommandLineRun.of(Map.of("OUTBOX_DIR", dir.resolve("none").toString()), "status");
    CommandLineRun unnamed = CommandLineRun.of(Map.of(), "status");

    assertThat(missing.exitCode()).isEqualTo(4);
    assertThat(missing.err()).contains(dir.resolve("none") + " is not a directory");
    assertThat(unnamed.exitCode()).isEqualTo(2);
    assertThat(unnamed.err()).contains("set OUTBOX_DIR or use --outbox");
  }

  @Test
  void theOptionNamesAnOutboxToo() throws IOException {
    GoldenOutbox golden = GoldenOutbox.create("one-record", dir.resolve("outbox"));

    CommandLineRun run =
        CommandLineRun.of(Map.of(), "inspect", "--outbox", golden.paths().root().toString());

    assertThat(run.out().lines()).hasSize(1);
  }

  @Test
  void thereAreNoDeadLettersUntilThereAreSome() throws IOException {
    assertThat(run("one-record", "dead-letters", "list").out()).isEmpty();
    assertThat(run("one-record", "dead-letters", "show", "1").exitCode()).isEqualTo(7);
  }

  @Test
  void verbsThatDoNotExistYetAreUnknown() {
    for (String verb : List.of("repair", "replay", "audit", "parked")) {
      assertThat(CommandLineRun.of(Map.of(), verb).exitCode()).isEqualTo(2);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "status",
        "status --json",
        "inspect",
        "inspect --json",
        "verify",
        "verify --json",
        "config",
        "--help",
        "--version"
      })
  void whatCouldNotBePrintedIsNoSuccess(String command) throws IOException {
    GoldenOutbox golden = GoldenOutbox.create("roll-by-hour", dir.resolve("outbox"));

    CommandLineRun run = CommandLineRun.onFullDisk(env(golden), command.split(" ", -1));

    assertThat(run.exitCode()).isEqualTo(9);
    assertThat(run.err())
        .contains("the output could not be printed: No space left on device")
        .doesNotContain("\tat ");
  }

  @Test
  void whatACheckFoundCountsMoreThanThatItCouldNotBePrinted() throws IOException {
    GoldenOutbox golden = GoldenOutbox.create("hole-in-the-chain", dir.resolve("outbox"));

    CommandLineRun run = CommandLineRun.onFullDisk(env(golden), "verify");

    assertThat(run.exitCode()).isEqualTo(7);
    assertThat(run.err()).contains("could not be printed");
  }

  @Test
  void inspectReadsNoFurtherThanItCanPrint() throws IOException {
    GoldenOutbox golden = GoldenOutbox.create("later-version-in-the-middle", dir.resolve("outbox"));

    CommandLineRun run = CommandLineRun.onFullDisk(env(golden), "inspect");

    assertThat(run.exitCode()).isEqualTo(9);
  }

  /** Counts lines, and takes no more than a hundred. */
  private static final class Lines extends OutputStream {
    private final Runnable atEach;
    private int count;

    Lines(Runnable atEach) {
      this.atEach = atEach;
    }

    @Override
    public void write(int b) throws IOException {
      if (b != '\n') {
        return;
      }
      if (++count > 100) {
        throw new IOException("it does not end");
      }
      atEach.run();
    }
  }

  private List<String> sequences(String... options) throws IOException {
    String[] arguments =
        Stream.concat(Stream.of("inspect"), Stream.of(options)).toArray(String[]::new);
    return run("all-fields", arguments).out().lines().map(line -> field(line, "sequence")).toList();
  }

  private CommandLineRun run(String golden, String... arguments) throws IOException {
    return CommandLineRun.of(env(GoldenOutbox.create(golden, dir.resolve(golden))), arguments);
  }

  private static Map<String, String> env(GoldenOutbox golden) {
    return Map.of("OUTBOX_DIR", golden.paths().root().toString());
  }

  private static String field(String line, String name) {
    return line.replaceFirst("^(.* )?" + name + "=", "").replaceFirst(" .*", "");
  }

  private JsonNode json(String text) {
    try {
      return new ObjectMapper().readTree(text);
    } catch (IOException e) {
      throw new AssertionError(text, e);
    }
  }

  private Map<Path, FileTime> files() throws IOException {
    Map<Path, FileTime> files = new TreeMap<>();
    try (Stream<Path> paths = Files.walk(dir)) {
      for (Path path : paths.toList()) {
        files.put(path, Files.getLastModifiedTime(path));
      }
    }
    return files;
  }
}
