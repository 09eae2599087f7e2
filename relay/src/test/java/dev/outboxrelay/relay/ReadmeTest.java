package dev.outboxrelay.relay;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.relay.config.RelayConfig;
import dev.outboxrelay.relay.deliver.DeliveryState;
import dev.outboxrelay.relay.fact.Counts;
import dev.outboxrelay.relay.fact.DeadLetterReason;
import dev.outboxrelay.relay.fact.Fact;
import dev.outboxrelay.relay.fact.Part;
import dev.outboxrelay.relay.fact.PauseReason;
import dev.outboxrelay.relay.fact.Verdict;
import dev.outboxrelay.relay.metrics.RelayMetrics;
import dev.outboxrelay.relay.pipeline.Statuses;
import dev.outboxrelay.relay.pipeline.UnsettledAge;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What README.md and the runbook list is what there is. */
class ReadmeTest {
  private static final Pattern METRIC = Pattern.compile("outbox_(?:relay|append)_[a-z_]+");

  private static final Path RUNBOOK = Path.of("..", "ops", "runbook.md");

  @TempDir private Path outbox;

  @Test
  void everySettingIsListedWithItsDefault() throws IOException {
    Map<String, String> defaults = RelayConfig.from(Map.of("OUTBOX_DIR", "/o")).settings();

    String readme = readme();
    defaults.forEach(
        (name, value) ->
            assertThat(readme)
                .contains(
                    name.equals("OUTBOX_DIR") || value.isEmpty()
                        ? "| `" + name + "` | no"
                        : "| `" + name + "` | `" + value + "` |"));
  }

  @Test
  void everyMetricIsListedAndNoOther() throws IOException {
    try (RelayMetrics metrics =
        new RelayMetrics(
            "1", new UnsettledAge(InstantSource.system()), List::of, System::nanoTime)) {
      metrics
          .listener(outbox, new Counts(InstantSource.system()))
          .tell(new Fact.SendFailed(new Verdict.RetryLater("e"), null));
      metrics.onHold(outbox, Optional.of("held"));
      metrics.watch(
          outbox,
          () -> Statuses.withLag(outbox, new DeliveryState.Delivering(), 0, OptionalLong.empty()));
      Set<String> exported =
          metrics
              .scrape(false)
              .lines()
              .filter(line -> line.startsWith("# TYPE outbox_"))
              .map(line -> line.split(" ", -1)[2])
              .collect(Collectors.toCollection(TreeSet::new));

      Set<String> listed =
          METRIC
              .matcher(readme())
              .results()
              .map(match -> match.group())
              .collect(Collectors.toCollection(TreeSet::new));
      assertThat(listed).isEqualTo(exported);
    }
  }

  @Test
  void everyReasonForWhichDeliveryWaitsIsInTheRunbook() throws IOException {
    String runbook = Files.readString(RUNBOOK);
    assertThat(PauseReason.values())
        .allSatisfy(reason -> assertThat(runbook).contains("| `" + reason.label() + "` |"));
    assertThat(PauseReason.values())
        .filteredOn(PauseReason::barsTopics)
        .allSatisfy(reason -> assertThat(runbook).contains("\n### " + reason.label() + "\n"));
    assertThat(DeadLetterReason.values())
        .allSatisfy(reason -> assertThat(runbook).contains("`" + reason.label() + "`"));
  }

  @Test
  void everyPartThatMayFailIsListedAndInTheRunbook() throws IOException {
    String readme = readme();
    String runbook = Files.readString(RUNBOOK);
    assertThat(Part.values())
        .filteredOn(part -> part != Part.POSITION && part != Part.CONFIG)
        .allSatisfy(part -> assertThat(runbook).contains("`" + part.label() + "`"));
    assertThat(Part.values())
        .allSatisfy(part -> assertThat(readme).contains("`" + part.label() + "`"));
  }

  @Test
  void everyCommandOfTheUsageIsListed() throws IOException {
    assertThat(readme())
        .contains(
            "`run`",
            "`status ",
            "`inspect ",
            "`verify ",
            "`dead-letters list`",
            "`dead-letters replay`",
            "`dead-letters discard`",
            "`dead-letters export`",
            "`parked list`",
            "`parked retry ",
            "`parked discard ",
            "`topics check ",
            "`config ",
            "`doctor ");
  }

  private static String readme() throws IOException {
    return Files.readString(Path.of("README.md"));
  }
}
