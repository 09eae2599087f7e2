package dev.outboxrelay.relay.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.relay.control.Request;
import dev.outboxrelay.relay.deadletter.LetterCount;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;

/** How a request is made, and its answer shown. */
final class RequestOptions {
  /** Letters that an answer tells of. */
  private static final List<String> LETTER_COUNTS =
      List.of("replayed", "discarded", "not_settled", "refused", "failed");

  @Mixin private final OutboxOption outbox;

  @Option(
      names = "--timeout",
      paramLabel = "SECONDS",
      defaultValue = "30",
      converter = Converters.Seconds.class,
      description = "How long to wait for the answer (default: ${DEFAULT-VALUE}).")
  private Duration timeout;

  @Option(
      names = "--request",
      paramLabel = "ID",
      description = "Ask for nothing new, but for the answer to this request.")
  private UUID earlier;

  @Option(names = "--json", description = "The answer as a JSON object.")
  private boolean json;

  RequestOptions(Map<String, String> env) {
    outbox = new OutboxOption(env);
  }

  /** The outbox that the request is about. */
  OutboxPaths existing() {
    return outbox.existing();
  }

  /** The number of the dead letter that was added last; what comes later is not meant. */
  long lastLetter() throws IOException {
    return LetterCount.lastNumber(outbox.existing().deadLetters());
  }

  /** Whether only the answer to an earlier request is wanted. */
  boolean isEarlier() {
    return earlier != null;
  }

  /**
   * Has a request applied, and shows the answer.
   *
   * @param maker of it, with the id that it gets
   */
  int ask(CommandSpec spec, Function<UUID, Request> maker) throws IOException {
    OutboxPaths paths = outbox.existing();
    Asking asking = new Asking(paths, outbox::configuration);
    UUID id = earlier == null ? asking.newId() : earlier;
    if (earlier != null && !asking.isKnown(id)) {
      throw new CommandFailed(
          ExitCode.USAGE,
          "there is no request " + id + ": it was never made, or its answer is gone by now");
    }
    String stands =
        "the request stands, and is applied when a relay comes to it; until then it is withdrawn by "
            + "removing "
            + asking.file(id)
            + "; ask again with --request "
            + id;
    Optional<JsonNode> answer;
    try (Interrupted unused = Interrupted.telling(spec.commandLine().getErr(), stands)) {
      if (earlier == null) {
        asking.submit(maker.apply(id));
      }
      answer = asking.await(id, timeout);
    } catch (Asking.CantApply e) {
      throw new CommandFailed(ExitCode.OUTBOX_UNUSABLE, e.getMessage() + "; " + stands);
    }
    if (answer.isEmpty()) {
      String why = asking.hindrance().map(reason -> ": " + reason).orElse("");
      throw new CommandFailed(ExitCode.NO_ANSWER, "no answer yet" + why + "; " + stands);
    }
    return show(answer.get(), spec.commandLine());
  }

  private int show(JsonNode answer, CommandLine line) {
    PrintWriter out = line.getOut();
    if (answer.hasNonNull("error")) {
      throw new CommandFailed(ExitCode.FAILED, answer.path("error").asText());
    }
    if (json) {
      out.println(Printed.line(answer));
    } else {
      out.println(text(answer));
    }
    tellUnfound(answer, line.getErr());
    if (answer.path("failed").asLong() > 0) {
      return ExitCode.NOT_SAVED;
    }
    boolean all =
        answer.path("not_settled").asLong() == 0
            && answer.path("left").asLong() == 0
            && answer.path("refused").asLong() == 0
            && !answer.hasNonNull("unread_because")
            && answer.path("not_found").isEmpty()
            && !answer.path("more").asBoolean();
    return all ? ExitCode.OK : ExitCode.PROBLEMS_FOUND;
  }

  private static void tellUnfound(JsonNode answer, PrintWriter err) {
    boolean letters = answer.path("verb").asText().startsWith("dead-letters");
    if (!answer.path("not_found").isEmpty()) {
      String names = names(answer.path("not_found"), ", ");
      err.println(
          letters
              ? "outbox-relay: there is no dead letter "
                  + names
                  + ", or none any more: dead-letters list --done shows what was replayed or"
                  + " discarded"
              : "outbox-relay: nothing is parked of topic " + names + ": see parked list");
    } else if (letters
        && LETTER_COUNTS.stream().allMatch(count -> answer.path(count).asLong() == 0)) {
      err.println("no dead letter matches");
    }
  }

  private static String names(JsonNode list, String between) {
    return list.valueStream().map(JsonNode::asText).collect(Collectors.joining(between));
  }

  private static String text(JsonNode answer) {
    StringBuilder text = new StringBuilder();
    for (Map.Entry<String, JsonNode> field : answer.properties()) {
      boolean empty =
          field.getValue().isNull() || (field.getValue().isArray() && field.getValue().isEmpty());
      if (!empty && !field.getKey().equals("answered")) {
        text.append(text.isEmpty() ? "" : " ").append(field.getKey()).append('=');
        String value =
            field.getValue().isArray() ? names(field.getValue(), ",") : field.getValue().asText();
        text.append(value.indexOf(' ') < 0 ? value : '"' + value.replace('"', '\'') + '"');
      }
    }
    return text.toString();
  }
}
