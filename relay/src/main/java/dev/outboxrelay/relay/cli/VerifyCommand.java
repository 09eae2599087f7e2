package dev.outboxrelay.relay.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.outboxrelay.client.cycle.CycleName;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.relay.inspect.Problem;
import dev.outboxrelay.relay.inspect.QueueVerifier;
import dev.outboxrelay.relay.inspect.VerifyReport;
import dev.outboxrelay.relay.park.ParkedFiles;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
    name = "verify",
    mixinStandardHelpOptions = true,
    description = {
      "Reads the whole queue and checks everything in it.",
      "That is every record, the chain of entries, sequences, EOF marks, the index and the relay's",
      "position, and the same in the dead letters, in what is parked and in what is staged. Changes",
      "nothing. Exit code 7 if there are problems."
    })
final class VerifyCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private final OutboxOption outbox;

  /** Before the name of a topic. */
  private static final String PARKED = "parked/";

  @Option(names = "--json", description = "One JSON object.")
  private boolean json;

  VerifyCommand(Map<String, String> env) {
    outbox = new OutboxOption(env);
  }

  @Override
  public Integer call() throws IOException {
    OutboxPaths paths = outbox.existing();
    Map<String, VerifyReport> reports = new LinkedHashMap<>();
    reports.put("queue", QueueVerifier.verify(paths));
    if (Files.isDirectory(paths.deadLetters().root())) {
      reports.put("dead-letters", QueueVerifier.verify(paths.deadLetters()));
    }
    if (Files.isDirectory(paths.staged().root())) {
      reports.put("staged", QueueVerifier.verify(paths.staged()));
    }
    for (String topic : ParkedFiles.topics(paths)) {
      reports.put(PARKED + topic, QueueVerifier.verify(paths.parked(topic)));
    }
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      ObjectNode node = JsonNodeFactory.instance.objectNode();
      node.put("outbox", paths.root().toString());
      ObjectNode parked = JsonNodeFactory.instance.objectNode();
      reports.forEach(
          (name, report) -> {
            if (name.startsWith(PARKED)) {
              parked.set(name.substring(PARKED.length()), json(report));
            } else {
              node.set(name.replace('-', '_'), json(report));
            }
          });
      if (!parked.isEmpty()) {
        node.set("parked", parked);
      }
      out.println(node.toPrettyString());
    } else {
      reports.forEach((name, report) -> print(out, name, report));
    }
    return reports.values().stream().allMatch(VerifyReport::isClean)
        ? ExitCode.OK
        : ExitCode.PROBLEMS_FOUND;
  }

  private static void print(PrintWriter out, String name, VerifyReport report) {
    report.problems().forEach(problem -> out.println("problem  " + line(problem)));
    if (report.stopped() != null) {
      out.println("stopped  " + line(report.stopped()));
    }
    String sequences =
        report.records() == 0
            ? ""
            : ", sequences " + report.firstSequence() + " … " + report.lastSequence();
    out.println(
        (report.isClean() ? "ok       " : "problems ")
            + name
            + ": "
            + report.cycles()
            + " cycles, "
            + report.records()
            + " records"
            + sequences
            + (report.isClean() ? "" : ", " + report.problemCount() + " problems"));
  }

  private static String line(Problem problem) {
    return problem.kind()
        + (problem.cycle() < 0 ? "" : " in " + CycleName.of(problem.cycle()))
        + (problem.offset() < 0 ? "" : " at " + problem.offset())
        + ": "
        + problem.detail();
  }

  private static ObjectNode json(VerifyReport report) {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("clean", report.isClean());
    node.put("cycles", report.cycles());
    node.put("records", report.records());
    node.put("bytes", report.bytes());
    node.put("first_sequence", report.firstSequence());
    node.put("last_sequence", report.lastSequence());
    node.put("problem_count", report.problemCount());
    node.putArray("problems");
    for (Problem problem : report.problems()) {
      put(node.withArray("/problems").addObject(), problem);
    }
    node.set("stopped", report.stopped() == null ? null : put(node.objectNode(), report.stopped()));
    return node;
  }

  private static ObjectNode put(ObjectNode node, Problem problem) {
    return node.put("kind", problem.kind())
        .put("cycle", problem.cycle() < 0 ? null : problem.cycle())
        .put("offset", problem.offset() < 0 ? null : problem.offset())
        .put("detail", problem.detail());
  }
}
