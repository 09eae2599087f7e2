package dev.outboxrelay.relay.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.outboxrelay.client.disk.SafeFiles;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.relay.control.OriginalPlace;
import dev.outboxrelay.relay.inspect.EventView;
import dev.outboxrelay.relay.log.Logfmt;
import dev.outboxrelay.relay.tail.RecordWalk;
import dev.outboxrelay.relay.tail.Source;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
    name = "show",
    mixinStandardHelpOptions = true,
    description = "Shows the events that are parked of a topic, oldest first, one per line.")
final class ShowParked implements Callable<Integer> {
  private static final int AT_ONCE = 500;
  private static final long BYTES_AT_ONCE = 4 << 20;

  @Spec private CommandSpec spec;
  @Mixin private final OutboxOption outbox;

  @Parameters(paramLabel = "TOPIC", description = "The topic.")
  private String topic;

  @Option(
      names = "--limit",
      paramLabel = "N",
      defaultValue = "100",
      converter = Converters.Limit.class,
      description = "At most so many, 0 = all (default: ${DEFAULT-VALUE}).")
  private long limit;

  @Option(
      names = "--replays",
      description = {
        "Only dead letters that were replayed, as they were before that: with their own topic",
        "and partition, wherever they were replayed to."
      })
  private boolean replays;

  @Option(
      names = "--values",
      description = "Show values, also those of headers. They may be confidential.")
  private boolean values;

  @Option(names = "--json", description = "One JSON object per line.")
  private boolean json;

  ShowParked(Map<String, String> env) {
    outbox = new OutboxOption(env);
  }

  @Override
  public Integer call() throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    OutboxPaths parked = parked(outbox.existing(), topic);
    EventView view = new EventView(values);
    long shown = 0;
    RecordWalk walk = RecordWalk.behindSaved(parked);
    int code = ExitCode.OK;
    RecordWalk.End end = null;
    while (!(end instanceof RecordWalk.End.OfAll)) {
      for (RecordWalk.Found found : walk.next(AT_ONCE, BYTES_AT_ONCE)) {
        if (limit > 0 && shown == limit) {
          spec.commandLine().getErr().println("there may be more; raise --limit to see them");
          return code;
        }
        Source source = Source.of(found.record());
        Source.Letter letter = source == null ? null : source.letter();
        if (!replays || letter != null) {
          shown++;
          out.println(line(view, Source.asAppended(found.record()), letter));
        }
      }
      if (out.checkError()) {
        return code;
      }
      end = walk.end().orElse(null);
      if (end instanceof RecordWalk.End.Stopped stopped) {
        spec.commandLine()
            .getErr()
            .println("what is in this file is not shown, it can't be read: " + stopped.why());
        code = ExitCode.PROBLEMS_FOUND;
        walk.passOver(stopped);
      }
    }
    if (shown == 0 && code == ExitCode.OK) {
      throw nothingParked(topic);
    }
    return code;
  }

  /**
   * One event.
   *
   * @param letter the dead letter as which it was replayed; null if it was not
   */
  private String line(EventView view, OutboxRecord event, Source.Letter letter) {
    OutboxRecord shown = replays ? OriginalPlace.restored(event) : event;
    String from = OriginalPlace.topicOf(event).orElse(null);
    if (json) {
      ObjectNode node = view.json(shown);
      if (letter != null) {
        node.put("replay_of", letter.number()).put("round", letter.round());
        node.put("original_topic", from == null ? event.topic() : from);
      }
      return Printed.line(node);
    }
    Map<String, Object> pairs = view.pairs(shown);
    if (letter != null) {
      pairs.put("replay_of", letter.number());
      pairs.put("round", letter.round());
      pairs.put("original_topic", from == null ? event.topic() : from);
    }
    return Logfmt.line(pairs);
  }

  private static OutboxPaths parked(OutboxPaths outbox, String topic) throws IOException {
    ParkedCommand.checkName(topic);
    OutboxPaths parked = outbox.parked(topic);
    SafeFiles.Attributes there = SafeFiles.attributes(parked.root());
    if (there == null || !there.directory()) {
      throw nothingParked(topic);
    }
    return parked;
  }

  private static CommandFailed nothingParked(String topic) {
    return new CommandFailed(
        ExitCode.PROBLEMS_FOUND, "nothing is parked of topic " + topic + ": see parked list");
  }
}
