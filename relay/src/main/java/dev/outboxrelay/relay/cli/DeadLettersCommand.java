package dev.outboxrelay.relay.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.relay.inspect.DeadLetter;
import dev.outboxrelay.relay.inspect.EventView;
import dev.outboxrelay.relay.log.Logfmt;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
    name = "dead-letters",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    description = "Shows the events that Kafka will never take, with the reason.")
final class DeadLettersCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "list or show?");
  }

  @Command(
      name = "list",
      mixinStandardHelpOptions = true,
      description = "Lists those that there are when it begins, oldest first, one per line.")
  static final class ListLetters implements Callable<Integer> {
    @Spec private CommandSpec spec;
    @Mixin private final OutboxOption outbox;

    @Option(
        names = "--limit",
        paramLabel = "N",
        defaultValue = "100",
        description = "At most so many, 0 = all (default: ${DEFAULT-VALUE}).")
    private long limit;

    @Option(
        names = "--values",
        description = "Show values, also those of headers. They may be confidential.")
    private boolean values;

    @Option(names = "--json", description = "One JSON object per line.")
    private boolean json;

    ListLetters(Map<String, String> env) {
      outbox = new OutboxOption(env);
    }

    @Override
    public Integer call() throws IOException {
      PrintWriter out = spec.commandLine().getOut();
      Form form = new Form(new EventView(values), json);
      long[] shown = {0};
      DeadLetter.each(
          outbox.existing(),
          letter -> {
            if (limit > 0 && shown[0] == limit) {
              spec.commandLine().getErr().println("there are more; raise --limit to see them");
              return false;
            }
            shown[0]++;
            out.println(form.of(letter));
            return !out.checkError();
          });
      return ExitCode.OK;
    }
  }

  @Command(
      name = "show",
      mixinStandardHelpOptions = true,
      description = "Shows one of them; the number is that of the list.")
  static final class Show implements Callable<Integer> {
    @Spec private CommandSpec spec;
    @Mixin private final OutboxOption outbox;

    @Parameters(paramLabel = "NUMBER", description = "Number of the dead letter.")
    private long number;

    @Option(
        names = "--values",
        description = "Show values, also those of headers. They may be confidential.")
    private boolean values;

    @Option(names = "--json", description = "One JSON object.")
    private boolean json;

    Show(Map<String, String> env) {
      outbox = new OutboxOption(env);
    }

    @Override
    public Integer call() throws IOException {
      PrintWriter out = spec.commandLine().getOut();
      Form form = new Form(new EventView(values), json);
      boolean[] found = {false};
      DeadLetter.each(
          outbox.existing(),
          letter -> {
            found[0] = letter.number() == number;
            if (found[0]) {
              out.println(form.of(letter));
            }
            return !found[0];
          });
      if (!found[0]) {
        throw new CommandFailed(ExitCode.USAGE, "there is no dead letter " + number);
      }
      return ExitCode.OK;
    }
  }

  private record Form(EventView view, boolean json) {

    String of(DeadLetter letter) {
      return json ? Printed.line(node(letter)) : Logfmt.line(pairs(letter));
    }

    private Map<String, Object> pairs(DeadLetter letter) {
      Map<String, Object> pairs = new LinkedHashMap<>();
      pairs.put("number", letter.number());
      pairs.put("reason", letter.reason());
      letter.at().ifPresent(at -> pairs.put("at", at));
      pairs.put("error", letter.error());
      if (letter.event().isEmpty()) {
        pairs.put("event", "damaged");
      }
      letter.event().ifPresent(event -> pairs.putAll(view.pairs(event)));
      return pairs;
    }

    private ObjectNode node(DeadLetter letter) {
      ObjectNode node = JsonNodeFactory.instance.objectNode();
      node.put("number", letter.number());
      node.put("reason", letter.reason());
      node.put("error", letter.error());
      node.put("at", letter.at().map(Instant::toEpochMilli).orElse(null));
      OutboxRecord event = letter.event().orElse(null);
      node.set("event", event == null ? JsonNodeFactory.instance.nullNode() : view.json(event));
      return node;
    }
  }
}
