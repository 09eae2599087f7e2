package dev.outboxrelay.relay.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.Position;
import dev.outboxrelay.client.files.PositionFile;
import dev.outboxrelay.relay.inspect.Damage;
import dev.outboxrelay.relay.inspect.EventView;
import dev.outboxrelay.relay.inspect.FoundEvent;
import dev.outboxrelay.relay.inspect.QueueVisitor;
import dev.outboxrelay.relay.inspect.QueueWalk;
import dev.outboxrelay.relay.log.Logfmt;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
    name = "inspect",
    mixinStandardHelpOptions = true,
    description = {
      "Lists the events that are in the queue when it begins, oldest first, one per line.",
      "Settled ones too, as long as their cycle file is kept. Corrupt data is shown in its place."
    })
final class InspectCommand implements Callable<Integer>, QueueVisitor {
  @Spec private CommandSpec spec;
  @Mixin private final OutboxOption outbox;

  @Option(
      names = "--from-index",
      paramLabel = "INDEX",
      converter = Converters.Index.class,
      description = "From this Chronicle index on, decimal or 0x…")
  private long fromIndex;

  @Option(
      names = "--to-index",
      paramLabel = "INDEX",
      converter = Converters.Index.class,
      description = "Up to this Chronicle index, inclusive.")
  private long toIndex = Long.MAX_VALUE;

  @Option(
      names = "--from",
      paramLabel = "TIME",
      converter = Converters.Time.class,
      description = "Appended at or after this time: 2026-11-24T05:00:00Z, or milliseconds.")
  private Instant from = Instant.MIN;

  @Option(
      names = "--to",
      paramLabel = "TIME",
      converter = Converters.Time.class,
      description = "Appended before this time.")
  private Instant to = Instant.MAX;

  @Option(names = "--topic", paramLabel = "NAME", description = "Of this topic; may be repeated.")
  private Set<String> topics = Set.of();

  @Option(names = "--event-id", paramLabel = "UUID", description = "With this event id.")
  private UUID eventId;

  @Option(names = "--waiting", description = "Only what the relay has not settled yet.")
  private boolean waiting;

  @Option(
      names = "--limit",
      paramLabel = "N",
      defaultValue = "100",
      converter = Converters.Limit.class,
      description = "At most so many events, 0 = all (default: ${DEFAULT-VALUE}).")
  private long limit;

  @Option(
      names = "--values",
      description = "Show values, also those of headers. They may be confidential.")
  private boolean values;

  @Option(names = "--json", description = "One JSON object per line.")
  private boolean json;

  private PrintWriter out;
  private EventView view;
  private long settled;
  private long shown;

  InspectCommand(Map<String, String> env) {
    outbox = new OutboxOption(env);
  }

  @Override
  public Integer call() throws IOException {
    OutboxPaths paths = outbox.existing();
    out = spec.commandLine().getOut();
    view = new EventView(values);
    long firstCycle = FoundEvent.cycleOf(fromIndex);
    long offset = 0;
    if (waiting) {
      Position position = PositionFile.find(paths.position()).orElse(null);
      if (position != null) {
        settled = position.sequence();
        if (position.cycle() >= firstCycle) {
          firstCycle = position.cycle();
          offset = position.offset();
        }
      }
    }
    QueueWalk.untilNow(paths).from(firstCycle, offset, this);
    return ExitCode.OK;
  }

  @Override
  public boolean event(FoundEvent found) {
    if (found.index() > toIndex) {
      return false;
    }
    if (!matches(found)) {
      return true;
    }
    if (limit > 0 && shown == limit) {
      spec.commandLine().getErr().println("more events match; raise --limit to see them");
      return false;
    }
    shown++;
    print(found);
    return !out.checkError();
  }

  @Override
  public boolean damage(Damage damage) {
    if (json) {
      ObjectNode node = JsonNodeFactory.instance.objectNode();
      node.put("corrupt", damage.kind());
      node.put("cycle", damage.cycle()).put("offset", damage.offset());
      node.put("bytes", damage.bytes() == 0 ? null : damage.bytes());
      out.println(Printed.line(node.put("detail", damage.detail())));
    } else {
      Map<String, Object> pairs = new LinkedHashMap<>();
      pairs.put("corrupt", damage.kind());
      pairs.put("cycle", damage.cycle());
      pairs.put("offset", damage.offset());
      pairs.put("bytes", damage.bytes() == 0 ? "unknown" : damage.bytes());
      pairs.put("detail", damage.detail());
      out.println(Logfmt.line(pairs));
    }
    return !out.checkError();
  }

  private boolean matches(FoundEvent found) {
    Instant appended = Instant.ofEpochMilli(found.record().appendTime());
    return found.index() >= fromIndex
        && found.record().sequence() > settled
        && !appended.isBefore(from)
        && appended.isBefore(to)
        && (topics.isEmpty() || topics.contains(found.record().topic()))
        && (eventId == null || eventId.equals(found.record().eventId()));
  }

  private void print(FoundEvent found) {
    if (json) {
      ObjectNode node = view.json(found.record());
      node.put("index", found.index()).put("cycle", found.cycle()).put("offset", found.offset());
      out.println(Printed.line(node));
    } else {
      Map<String, Object> pairs = new LinkedHashMap<>();
      pairs.put("index", String.format("0x%x", found.index()));
      pairs.putAll(view.pairs(found.record()));
      out.println(Logfmt.line(pairs));
    }
  }
}
