package dev.outboxrelay.relay.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.writing.QueueWriter;
import dev.outboxrelay.client.writing.WriterOptions;
import dev.outboxrelay.relay.control.GivenUp;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Commands that name what is not there, or what nobody can mean. */
class NotFoundTest {
  private static final String NO_ID = "019ad1a2-0000-7000-8000-000000000000";

  @TempDir private Path directory;
  private OutboxPaths paths;

  @BeforeEach
  void giveUp() throws IOException {
    GivenUp given = new GivenUp(directory.resolve("outbox"));
    given.four();
    given.settle();
    paths = given.paths;
  }

  private CommandLineRun run(String... arguments) {
    return on(paths, arguments);
  }

  private static CommandLineRun on(OutboxPaths outbox, String... arguments) {
    Map<String, String> env =
        Map.of("OUTBOX_DIR", outbox.root().toString(), "OUTBOX_TRUST_PARENT", "1");
    return CommandLineRun.of(env, arguments);
  }

  private CommandLineRun run(String line) {
    return run(line.split(" ", -1));
  }

  private static JsonNode json(CommandLineRun run) throws IOException {
    return new ObjectMapper().readTree(run.out());
  }

  private static List<String> notFound(CommandLineRun run) throws IOException {
    return json(run).findValues("not_found").get(0).valueStream().map(JsonNode::asText).toList();
  }

  private void park(String topic) throws IOException {
    OutboxPaths parked = paths.parked(topic);
    Files.createDirectories(parked.root().getParent());
    try (QueueWriter writer = QueueWriter.open(WriterOptions.of(parked).withTrustParent(true))) {
      writer.append(OutboxEvent.of(topic, "v"));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"replay", "discard"})
  void lettersThatAreNotThereAreNamed(String verb) throws IOException {
    CommandLineRun none = run("dead-letters", verb, "999", "--id", NO_ID, "--json");
    assertThat(none.exitCode()).isEqualTo(7);
    assertThat(notFound(none)).containsExactly("999", NO_ID);
    assertThat(none.err()).contains("999", NO_ID);

    CommandLineRun some = run("dead-letters", verb, "999", "1", "0");
    assertThat(some.exitCode()).isEqualTo(7);
    assertThat(some.out()).contains(verb + "ed=1 ", "not_found=0,999");

    CommandLineRun again = run("dead-letters", verb, "1");
    assertThat(again.exitCode()).isEqualTo(7);
    assertThat(again.out()).contains("not_found=1 ");

    CommandLineRun found = run("dead-letters", verb, "2", "--json");
    assertThat(found.exitCode()).isZero();
    assertThat(notFound(found)).isEmpty();
    assertThat(run("dead-letters", verb, "3").out()).doesNotContain("not_found");
  }

  @Test
  void aLetterThatAnotherConditionExcludesIsNotFound() {
    CommandLineRun other = run("dead-letters discard 1 2 --topic a");
    assertThat(other.exitCode()).isEqualTo(7);
    assertThat(other.out()).contains("discarded=1 ", "not_found=2 ");
  }

  @Test
  void whereThereAreNoDeadLettersNoneIsFound() throws IOException {
    OutboxPaths fresh = new OutboxPaths(directory.resolve("fresh"));
    QueueWriter.open(WriterOptions.of(fresh).withTrustParent(true)).close();
    CommandLineRun none = on(fresh, "dead-letters", "discard", "5", "--json");
    assertThat(none.exitCode()).isEqualTo(7);
    assertThat(notFound(none)).containsExactly("5");
    assertThat(on(fresh, "dead-letters", "discard", "--all").exitCode()).isZero();
  }

  @Test
  void conditionsMayHoldForNone() {
    for (String condition : List.of("--topic nobodys", "--reason replay-failed")) {
      CommandLineRun none = run("dead-letters discard " + condition);
      assertThat(none.exitCode()).isZero();
      assertThat(none.err()).contains("no dead letter matches");
      assertThat(run("dead-letters list " + condition).err()).contains("no dead letter matches");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"list", "export", "replay", "discard"})
  void aReasonThatThereIsNotIsRefused(String verb) {
    CommandLineRun refused = run("dead-letters " + verb + " --reason to-large");
    assertThat(refused.exitCode()).isEqualTo(2);
    assertThat(refused.err()).contains("--reason", "to-large", "too-large");
  }

  @Test
  void whoOnlyReadsIsToldToo() throws IOException {
    CommandLineRun none = run("dead-letters show 999");
    assertThat(none.exitCode()).isEqualTo(7);
    assertThat(none.err()).contains("999");
    for (String verb : List.of("list", "export")) {
      CommandLineRun some = run("dead-letters " + verb + " 1 999");
      assertThat(some.exitCode()).isEqualTo(7);
      assertThat(some.out().lines()).hasSize(1);
      assertThat(some.err()).contains("999").doesNotContain(" 1");
    }
    assertThat(run("dead-letters list 1 2 999 --limit 1").exitCode()).isZero(); // who knows
    assertThat(run("dead-letters discard 1").exitCode()).isZero();
    CommandLineRun done = run("dead-letters show 1");
    assertThat(done.exitCode()).isEqualTo(7);
    assertThat(done.err()).contains("--done");
    assertThat(run("dead-letters show 1 --done").exitCode()).isZero();
  }

  @Test
  void topicsThatAreNotParkedAreNamed() throws IOException {
    for (String verb : List.of("retry", "discard")) {
      CommandLineRun none = run("parked", verb, "x", "--json");
      assertThat(none.exitCode()).isEqualTo(7);
      assertThat(notFound(none)).containsExactly("x");
    }
    assertThat(run("parked show x").exitCode()).isEqualTo(7);
    park("x");
    assertThat(run("parked show x").exitCode()).isZero();
    CommandLineRun some = run("parked retry x y");
    assertThat(some.exitCode()).isEqualTo(7);
    assertThat(some.out()).contains("not_found=y ");
    assertThat(run("parked retry x").exitCode()).isZero();
    assertThat(run("parked discard x").exitCode()).isZero();
    // Of a topic of which nothing is left, nothing is parked.
    assertThat(run("parked discard x").exitCode()).isEqualTo(7);
    assertThat(run("parked retry x").exitCode()).isEqualTo(7);
    CommandLineRun empty = run("parked show x");
    assertThat(empty.exitCode()).isEqualTo(7);
    assertThat(empty.err()).contains("topic x");
  }

  @ParameterizedTest
  @CsvSource({
    "dead-letters list, --limit, -1",
    "parked show a, --limit, -1",
    "inspect, --limit, -5",
    "dead-letters discard 1, --timeout, 0",
    "dead-letters replay 1, --timeout, -3",
    "parked retry a, --timeout, -1",
    "parked discard a, --timeout, 9223372036854775807",
    "topics create a, --partitions, 0",
    "topics create a, --replication, -1",
  })
  void numbersThatNobodyCanMeanAreRefused(String command, String option, String value) {
    CommandLineRun refused = run(command + " " + option + " " + value);
    assertThat(refused.exitCode()).isEqualTo(2);
    assertThat(refused.err()).contains(option, "'" + value + "'");
  }
}
