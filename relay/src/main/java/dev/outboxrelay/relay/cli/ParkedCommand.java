package dev.outboxrelay.relay.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.record.RecordLimits;
import dev.outboxrelay.relay.control.Request;
import dev.outboxrelay.relay.control.Selection;
import dev.outboxrelay.relay.control.Verb;
import dev.outboxrelay.relay.fact.Held;
import dev.outboxrelay.relay.fact.TroublesFile;
import dev.outboxrelay.relay.log.Logfmt;
import dev.outboxrelay.relay.park.ParkedFiles;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
    name = "parked",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    description = "Shows and changes what waits for topics that could not be written.")
final class ParkedCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "list, show, retry or discard?");
  }

  @Command(
      name = "list",
      mixinStandardHelpOptions = true,
      description = "Lists the topics of which events are parked, most events first.")
  static final class ListTopics implements Callable<Integer> {
    @Spec private CommandSpec spec;
    @Mixin private final OutboxOption outbox;

    @Option(names = "--json", description = "One JSON object per line.")
    private boolean json;

    ListTopics(Map<String, String> env) {
      outbox = new OutboxOption(env);
    }

    private record Waiting(Held.Topic topic, OptionalLong oldestMillis) {}

    @Override
    public Integer call() throws IOException {
      PrintWriter out = spec.commandLine().getOut();
      OutboxPaths paths = outbox.existing();
      List<Waiting> topics = new ArrayList<>();
      ParkedFiles.each(
          paths,
          (topic, oldest) -> {
            if (topic.events() > 0) {
              topics.add(new Waiting(topic, oldest));
            }
          });
      topics.sort(
          Comparator.comparingLong((Waiting each) -> each.topic().events())
              .reversed()
              .thenComparing(each -> each.topic().name()));
      Map<String, JsonNode> bars = bars(paths);
      for (Waiting each : topics) {
        JsonNode bar = bars.get(each.topic().name());
        out.println(json ? Printed.line(node(each, bar)) : Logfmt.line(pairs(each, bar)));
      }
      return ExitCode.OK;
    }

    /** What the relay last told to bar topics. */
    private static Map<String, JsonNode> bars(OutboxPaths paths) throws IOException {
      Map<String, JsonNode> bars = new LinkedHashMap<>();
      TroublesFile.read(paths.troubles())
          .ifPresent(
              told -> {
                for (JsonNode trouble : told.troubles()) {
                  if (trouble.hasNonNull("topic")) {
                    bars.put(trouble.get("topic").asText(), trouble);
                  }
                }
              });
      return bars;
    }

    private static Map<String, Object> pairs(Waiting each, JsonNode bar) {
      Map<String, Object> pairs = new LinkedHashMap<>();
      pairs.put("topic", each.topic().name());
      pairs.put("events", each.topic().events());
      pairs.put("bytes", each.topic().bytes());
      each.oldestMillis().ifPresent(at -> pairs.put("oldest", Instant.ofEpochMilli(at)));
      if (bar != null) {
        pairs.put("reason", bar.path("reason").asText(bar.path("kind").asText()));
        pairs.put("error", bar.path("error").asText());
      }
      return pairs;
    }

    private static ObjectNode node(Waiting each, JsonNode bar) {
      ObjectNode node = JsonNodeFactory.instance.objectNode();
      node.put("topic", each.topic().name());
      node.put("events", each.topic().events());
      node.put("bytes", each.topic().bytes());
      if (each.oldestMillis().isPresent()) {
        node.put("oldest", each.oldestMillis().getAsLong());
      } else {
        node.putNull("oldest");
      }
      node.set("trouble", bar == null ? JsonNodeFactory.instance.nullNode() : bar);
      return node;
    }
  }

  static void checkName(String topic) {
    if (topic == null || !RecordLimits.isTopicName(topic)) {
      throw new CommandFailed(ExitCode.USAGE, "which topic? That is no topic's name");
    }
  }

  @Command(
      name = "retry",
      mixinStandardHelpOptions = true,
      description = "Has the relay ask at once whether topics can be written.")
  static final class Retry implements Callable<Integer> {
    @Spec private CommandSpec spec;
    @Mixin private final RequestOptions request;

    @Parameters(paramLabel = "TOPIC", arity = "0..*", description = "The topics.")
    private Set<String> topics = new LinkedHashSet<>();

    @Option(names = "--all", description = "All of which events are parked.")
    private boolean all;

    Retry(Map<String, String> env) {
      request = new RequestOptions(env);
    }

    @Override
    public Integer call() throws IOException {
      if (request.isEarlier()) {
        return request.ask(spec, id -> null);
      }
      topics.forEach(ParkedCommand::checkName);
      if (all == !topics.isEmpty()) {
        throw new CommandFailed(ExitCode.USAGE, "which topics? Name some, or say --all");
      }
      List<String> asked = new ArrayList<>(all ? parkedTopics() : topics);
      int code = ExitCode.OK;
      for (int from = 0; from < asked.size(); from += Selection.MOST_NAMES) {
        int to = Math.min(asked.size(), from + Selection.MOST_NAMES);
        Set<String> some = Set.copyOf(asked.subList(from, to));
        Selection select = new Selection(some, Set.of(), Set.of(), Set.of());
        code =
            Math.max(
                code, request.ask(spec, id -> new Request(id, Verb.RETRY_TOPIC, select, null)));
      }
      return code;
    }

    private Set<String> parkedTopics() throws IOException {
      Set<String> found = new TreeSet<>();
      ParkedFiles.each(
          request.existing(),
          (topic, oldest) -> {
            if (topic.events() > 0) {
              found.add(topic.name());
            }
          });
      return found;
    }
  }

  @Command(
      name = "discard",
      mixinStandardHelpOptions = true,
      description = "Gives up what is parked of a topic: it is never sent, and not kept.")
  static final class Discard implements Callable<Integer> {
    @Option(
        names = "--replays",
        description = "Only dead letters that were replayed, up to the first event that was not.")
    private boolean replays;

    @Spec private CommandSpec spec;
    @Mixin private final RequestOptions request;

    @Parameters(paramLabel = "TOPIC", arity = "0..1", description = "The topic.")
    private String topic;

    Discard(Map<String, String> env) {
      request = new RequestOptions(env);
    }

    @Override
    public Integer call() throws IOException {
      if (!request.isEarlier()) {
        checkName(topic);
      }
      Verb verb = replays ? Verb.DISCARD_REPLAYS : Verb.DISCARD_PARKED;
      return request.ask(spec, id -> new Request(id, verb, Selection.ALL, topic));
    }
  }
}
