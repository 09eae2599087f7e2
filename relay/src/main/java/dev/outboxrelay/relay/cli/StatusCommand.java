package dev.outboxrelay.relay.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutboxState;
import dev.outboxrelay.client.files.Position;
import dev.outboxrelay.relay.fact.Bars;
import dev.outboxrelay.relay.fact.Held;
import dev.outboxrelay.relay.fact.HeldJson;
import dev.outboxrelay.relay.fact.TroublesFile;
import dev.outboxrelay.relay.inspect.LockHolder;
import dev.outboxrelay.relay.inspect.OutboxReport;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
    name = "status",
    mixinStandardHelpOptions = true,
    description = {
      "Tells where an outbox stands and what waits in it; with OUTBOX_DIRS, where each stands.",
      "Reads its files only, so it works with and without a running relay."
    })
final class StatusCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private final OutboxOption outbox;

  @Option(names = "--json", description = "One JSON object; times in milliseconds since the epoch.")
  private boolean json;

  StatusCommand(Map<String, String> env) {
    outbox = new OutboxOption(env);
  }

  @Override
  public Integer call() throws IOException {
    List<OutboxPaths> several = outbox.several();
    if (!several.isEmpty()) {
      return each(several);
    }
    OutboxPaths paths = outbox.existing();
    OutboxReport report = OutboxReport.read(paths);
    OptionalLong relay = LockHolder.of(paths.relayLock());
    if (json) {
      spec.commandLine().getOut().println(json(report, relay).toPrettyString());
    } else {
      Printed.table(spec.commandLine().getOut(), rows(report, relay));
    }
    return ExitCode.OK;
  }

  /** One that can't be read does not keep the others from being shown. */
  private int each(List<OutboxPaths> outboxes) {
    PrintWriter out = spec.commandLine().getOut();
    ObjectNode root = JsonNodeFactory.instance.objectNode();
    ArrayNode nodes = root.putArray("outboxes");
    int code = ExitCode.OK;
    for (OutboxPaths paths : outboxes) {
      ObjectNode node;
      Map<String, String> rows;
      try {
        OutboxReport report = OutboxReport.read(paths);
        OptionalLong relay = LockHolder.of(paths.relayLock());
        node = json(report, relay);
        rows = rows(report, relay);
      } catch (IOException | OutboxError e) {
        code = ExitCode.OUTBOX_UNUSABLE;
        node = root.objectNode().put("outbox", paths.root().toString()).put("error", e.toString());
        rows = new LinkedHashMap<>(Map.of("outbox", paths.root().toString()));
        rows.put("error", e.toString());
      }
      nodes.add(node);
      if (!json) {
        Printed.table(out, rows);
        out.println();
      }
    }
    if (json) {
      out.println(root.toPrettyString());
    }
    return code;
  }

  private static Map<String, String> rows(OutboxReport report, OptionalLong relay) {
    Map<String, String> rows = new LinkedHashMap<>();
    rows.put("outbox", report.paths().root().toString());
    rows.put(
        "id",
        report
            .state()
            .map(state -> state.outboxId() + ", generation " + state.generation())
            .orElse("none yet, or outbox.state is invalid"));
    rows.put(
        "relay",
        relay.isPresent() ? "runs as process " + relay.getAsLong() : "none is seen on this host");
    rows.put("appended", "up to sequence " + report.appendedSequence());
    rows.put("settled", settled(report));
    String oldest =
        report.oldestUnsettledMillis().isPresent()
            ? ", the oldest for "
                + Printed.age(
                    System.currentTimeMillis() - report.oldestUnsettledMillis().getAsLong())
            : "";
    String bytes =
        report.backlogBytes().isPresent()
            ? ", " + Printed.bytes(report.backlogBytes().getAsLong())
            : "";
    rows.put("waiting", report.lagEvents() + " events" + bytes + oldest);
    parked(report.parked(), rows);
    report.troubles().ifPresent(told -> troubles(told, relay.isPresent(), rows));
    report.otherFormat().ifPresent(error -> rows.put("stopped", error));
    rows.put("queue", report.cycles() + " cycle files, " + Printed.bytes(report.queueBytes()));
    rows.put("dead letters", deadLetters(report));
    rows.put("quarantined", String.valueOf(report.quarantined()));
    return rows;
  }

  private static void parked(Held held, Map<String, String> rows) {
    if (held.topics() == 0) {
      return;
    }
    String oldest =
        held.oldestMillis().isPresent()
            ? ", the oldest for "
                + Printed.age(System.currentTimeMillis() - held.oldestMillis().getAsLong())
            : "";
    rows.put(
        "parked",
        held.events()
            + " events of "
            + held.topics()
            + " topics, "
            + Printed.bytes(held.bytes())
            + oldest);
    int number = 0;
    for (Held.Topic topic : held.largest()) {
      number++;
      rows.put(
          "parked " + number,
          topic.name() + ": " + topic.events() + " events, " + Printed.bytes(topic.bytes()));
    }
    int more = held.topics() - held.largest().size();
    if (more > 0) {
      rows.put("parked more", more + " topics, none with more events than these");
    }
  }

  /** What the relay says is wrong, or said when it ended. */
  private static void troubles(TroublesFile.Told told, boolean runs, Map<String, String> rows) {
    int number = 0;
    for (JsonNode trouble : told.troubles()) {
      number++;
      StringBuilder line = new StringBuilder(trouble.path("kind").asText());
      for (String detail : List.of("topic", "reason")) {
        line.append(trouble.has(detail) ? " " + trouble.get(detail).asText() : "");
      }
      line.append(": ").append(trouble.path("error").asText());
      line.append("; since ").append(Instant.ofEpochMilli(trouble.path("since").asLong()));
      line.append(", ").append(trouble.path("attempts").asLong()).append(" attempts");
      line.append(trouble.has("do") ? "; " + trouble.get("do").asText() : "");
      line.append(runs ? "" : " (told by the last relay, " + instant(told) + ")");
      rows.put(number == 1 ? "trouble" : "trouble " + number, line.toString());
    }
    long topics = told.troubles().stream().filter(trouble -> trouble.has("topic")).count();
    if (told.leftOut() > 0 || topics >= Bars.SHOWN) {
      rows.put("more", "not all is named here: barred_topics in /status.json counts the topics");
    }
  }

  private static Instant instant(TroublesFile.Told told) {
    return Instant.ofEpochMilli(told.writtenMillis());
  }

  private static String deadLetters(OutboxReport report) {
    long uncopied = report.uncopiedLetters().orElse(0);
    return report.deadLetters() + (uncopied > 0 ? ", " + uncopied + " not in their topic yet" : "");
  }

  private static String settled(OutboxReport report) {
    if (report.position().isDamaged()) {
      return "unknown: relay.position is damaged; doctor says what to do";
    }
    return report
        .savedPosition()
        .map(
            position ->
                "up to sequence "
                    + position.sequence()
                    + ", saved "
                    + Instant.ofEpochMilli(position.writtenAt()))
        .orElse("nothing yet");
  }

  private static ObjectNode json(OutboxReport report, OptionalLong relay) {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    Optional<OutboxState> state = report.state();
    Optional<Position> position = report.savedPosition();
    node.put("outbox", report.paths().root().toString());
    node.put("outbox_id", state.map(known -> known.outboxId().toString()).orElse(null));
    node.put("generation", state.map(OutboxState::generation).orElse(null));
    node.put("relay_pid", boxed(relay));
    node.put("appended_sequence", report.appendedSequence());
    node.put("settled_sequence", report.settledSequence());
    node.put("position_saved", position.map(Position::writtenAt).orElse(null));
    node.put("position_damaged", report.position().isDamaged());
    node.put("lag_events", report.lagEvents());
    node.put("lag_bytes", boxed(report.backlogBytes()));
    node.put("oldest_unsettled", boxed(report.oldestUnsettledMillis()));
    ObjectNode parked = HeldJson.of(report.parked());
    node.set("parked", parked.put("oldest", boxed(report.parked().oldestMillis())));
    node.put("other_format", report.otherFormat().orElse(null));
    ArrayNode troubles = node.putArray("troubles");
    report.troubles().ifPresent(told -> troubles.addAll(told.troubles()));
    node.put("troubles_left_out", report.troubles().map(TroublesFile.Told::leftOut).orElse(0));
    node.put("troubles_told", report.troubles().map(TroublesFile.Told::writtenMillis).orElse(null));
    node.put("cycles", report.cycles());
    node.put("queue_bytes", report.queueBytes());
    node.put("dead_letters", report.deadLetters());
    node.put("uncopied_dead_letters", boxed(report.uncopiedLetters()));
    node.put("quarantined", report.quarantined());
    return node;
  }

  private static Long boxed(OptionalLong value) {
    return value.isPresent() ? value.getAsLong() : null;
  }
}
