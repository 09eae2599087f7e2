package dev.outboxrelay.relay.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.relay.control.OriginalPlace;
import dev.outboxrelay.relay.control.Selection;
import dev.outboxrelay.relay.deadletter.Fate;
import dev.outboxrelay.relay.inspect.DeadLetter;
import dev.outboxrelay.relay.inspect.EventView;
import dev.outboxrelay.relay.log.Logfmt;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
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
    description = "Shows and changes what became of events that Kafka would not take.")
final class DeadLettersCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "list, show, export, replay or discard?");
  }

  @Command(
      name = "list",
      mixinStandardHelpOptions = true,
      description = "Lists those that there are when it begins, oldest first, one per line.")
  static final class ListLetters implements Callable<Integer> {
    @Spec private CommandSpec spec;
    @Mixin private final OutboxOption outbox;
    @Mixin private LetterOptions letters;

    @Option(
        names = "--limit",
        paramLabel = "N",
        defaultValue = "100",
        converter = Converters.Limit.class,
        description = "At most so many, 0 = all (default: ${DEFAULT-VALUE}).")
    private long limit;

    @Option(
        names = "--done",
        description = "Also those that were replayed or discarded, as long as they are there.")
    private boolean done;

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
      Form form = new Form(new EventView(values), json, false);
      long[] shown = {0};
      PrintWriter err = spec.commandLine().getErr();
      ChosenLetters chosen = new ChosenLetters(outbox.existing(), letters.selection(), done);
      chosen.each(
          (letter, fate) -> {
            if (limit > 0 && shown[0] == limit) {
              err.println("there are more; raise --limit to see them");
              return false;
            }
            shown[0]++;
            out.println(form.of(letter, fate));
            return !out.checkError();
          });
      return chosen.tellUnfound(err);
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
        names = "--done",
        description = "Also if it was replayed or discarded, as long as it is there.")
    private boolean done;

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
      Form form = new Form(new EventView(values), json, false);
      Selection one = new Selection(Set.of(), Set.of(), Set.of(), Set.of(number));
      ChosenLetters chosen = new ChosenLetters(outbox.existing(), one, done);
      chosen.each(
          (letter, fate) -> {
            out.println(form.of(letter, fate));
            return false;
          });
      return chosen.tellUnfound(spec.commandLine().getErr());
    }
  }

  @Command(
      name = "export",
      mixinStandardHelpOptions = true,
      description = {
        "Prints them as newline-delimited JSON, with their values.",
        "What is no UTF-8 stands as base64, under the name with _base64."
      })
  static final class Export implements Callable<Integer> {
    @Spec private CommandSpec spec;
    @Mixin private final OutboxOption outbox;
    @Mixin private LetterOptions letters;

    @Option(
        names = "--done",
        description = "Also those that were replayed or discarded, as long as they are there.")
    private boolean done;

    Export(Map<String, String> env) {
      outbox = new OutboxOption(env);
    }

    @Override
    public Integer call() throws IOException {
      PrintWriter out = spec.commandLine().getOut();
      Form form = new Form(new EventView(true), true, true);
      ChosenLetters chosen = new ChosenLetters(outbox.existing(), letters.selection(), done);
      chosen.each(
          (letter, fate) -> {
            out.println(form.of(letter, fate));
            return !out.checkError();
          });
      return chosen.tellUnfound(spec.commandLine().getErr());
    }
  }

  /**
   * How letters are printed.
   *
   * @param asAppended as events that can be appended again, whereto they were replayed meanwhile
   */
  private record Form(EventView view, boolean json, boolean asAppended) {

    String of(DeadLetter letter, Optional<Fate> fate) {
      String done = fate.map(Fate::label).orElse(null);
      return json ? Printed.line(node(letter, done)) : Logfmt.line(pairs(letter, done));
    }

    private Map<String, Object> pairs(DeadLetter letter, String done) {
      Map<String, Object> pairs = new LinkedHashMap<>();
      pairs.put("number", letter.number());
      if (done != null) {
        pairs.put("done", done);
      }
      pairs.put("reason", letter.reason());
      letter.at().ifPresent(at -> pairs.put("at", at));
      pairs.put("error", letter.error());
      letter
          .replayOf()
          .ifPresent(
              before -> {
                pairs.put("replay_of", before.number());
                pairs.put("round", before.round());
              });
      if (letter.event().isEmpty()) {
        pairs.put("event", "damaged");
      }
      letter.event().ifPresent(event -> pairs.putAll(view.pairs(event)));
      return pairs;
    }

    private ObjectNode node(DeadLetter letter, String done) {
      ObjectNode node = JsonNodeFactory.instance.objectNode();
      node.put("number", letter.number());
      if (done != null) {
        node.put("done", done);
      }
      node.put("reason", letter.reason());
      node.put("error", letter.error());
      node.put("at", letter.at().map(Instant::toEpochMilli).orElse(null));
      letter
          .replayOf()
          .ifPresent(before -> node.put("replay_of", before.number()).put("round", before.round()));
      OutboxRecord event = letter.event().orElse(null);
      OutboxRecord shown = asAppended && event != null ? OriginalPlace.restored(event) : event;
      node.set("event", shown == null ? JsonNodeFactory.instance.nullNode() : view.json(shown));
      return node;
    }
  }
}
