package dev.outboxrelay.relay.cli;

import dev.outboxrelay.client.record.RecordLimits;
import dev.outboxrelay.relay.control.Request;
import dev.outboxrelay.relay.control.Selection;
import dev.outboxrelay.relay.control.Verb;
import java.io.IOException;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** What can be done of dead letters. */
final class ChangeLetters {
  private ChangeLetters() {}

  private static Selection selected(LetterOptions letters, boolean all, RequestOptions request) {
    Selection selection = letters.selection();
    if (!request.isEarlier() && selection.isAll() != all) {
      throw new CommandFailed(
          ExitCode.USAGE,
          all
              ? "all, or only some of them?"
              : "which ones? Numbers, --topic, --reason, --id or --all");
    }
    return selection;
  }

  @Command(
      name = "replay",
      mixinStandardHelpOptions = true,
      description = "Has them sent once more, behind what waits for their topic.")
  static final class Replay implements Callable<Integer> {
    @Spec private CommandSpec spec;
    @Mixin private final RequestOptions request;
    @Mixin private LetterOptions letters;

    @Option(names = "--all", description = "All that there are when the command begins.")
    private boolean all;

    @Option(
        names = "--to-topic",
        paramLabel = "TOPIC",
        description = "Send them to this topic instead of their own.")
    private String topic;

    @Option(
        names = "--timestamp",
        paramLabel = "event|now",
        defaultValue = "event",
        description = {
          "Which time they get in Kafka: their own, or that of the replay, so that",
          "retention.ms does not delete them at once (default: ${DEFAULT-VALUE})."
        })
    private String timestamp;

    Replay(Map<String, String> env) {
      request = new RequestOptions(env);
    }

    @Override
    public Integer call() throws IOException {
      Selection selection = selected(letters, all, request);
      if (topic != null
          && (!RecordLimits.isTopicName(topic) || RecordLimits.INTERNAL_TOPICS.contains(topic))) {
        throw new CommandFailed(ExitCode.USAGE, "--to-topic: nobody may send to that topic");
      }
      if (!Set.of("event", "now").contains(timestamp)) {
        throw new CommandFailed(
            ExitCode.USAGE, "--timestamp: " + timestamp + "? event or now is known");
      }
      boolean now = timestamp.equals("now");
      long last = request.lastLetter();
      return request.ask(
          spec, id -> new Request(id, Verb.REPLAY_LETTERS, selection, topic, last, now));
    }
  }

  @Command(
      name = "discard",
      mixinStandardHelpOptions = true,
      description = "Gives them up for good; they take no more space then.")
  static final class Discard implements Callable<Integer> {
    @Spec private CommandSpec spec;
    @Mixin private final RequestOptions request;
    @Mixin private LetterOptions letters;

    @Option(names = "--all", description = "All that there are when the command begins.")
    private boolean all;

    Discard(Map<String, String> env) {
      request = new RequestOptions(env);
    }

    @Override
    public Integer call() throws IOException {
      Selection selection = selected(letters, all, request);
      long last = request.lastLetter();
      return request.ask(spec, id -> new Request(id, Verb.DISCARD_LETTERS, selection, null, last));
    }
  }
}
