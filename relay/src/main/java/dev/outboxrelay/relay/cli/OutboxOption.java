package dev.outboxrelay.relay.cli;

import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.relay.config.OutboxSelection;
import dev.outboxrelay.relay.config.RelayConfig;
import dev.outboxrelay.relay.fleet.OutboxSearch;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import picocli.CommandLine.Option;

/** Names the outbox that a command is about. */
final class OutboxOption {
  private final Map<String, String> env;

  @Option(
      names = "--outbox",
      paramLabel = "DIR",
      description = "Directory of the outbox (default: the value of OUTBOX_DIR).")
  private Path dir;

  OutboxOption(Map<String, String> env) {
    this.env = env;
  }

  /** The outbox, which exists. */
  OutboxPaths existing() {
    if (dir == null && value("OUTBOX_DIR").isEmpty()) {
      throw new CommandFailed(ExitCode.USAGE, "no outbox is named: " + wayOut());
    }
    return readable(dir == null ? path(value("OUTBOX_DIR")) : dir);
  }

  /** All outboxes that {@code OUTBOX_DIRS} means now; empty if it is not what names the outbox. */
  List<OutboxPaths> several() {
    if (dir != null || !value("OUTBOX_DIR").isEmpty() || value("OUTBOX_DIRS").isEmpty()) {
      return List.of();
    }
    List<OutboxPaths> found = matching().stream().map(OutboxPaths::new).toList();
    if (found.isEmpty()) {
      throw new CommandFailed(
          ExitCode.OUTBOX_UNUSABLE,
          "OUTBOX_DIRS="
              + value("OUTBOX_DIRS")
              + ": there is no outbox as yet; the first append creates one");
    }
    return found;
  }

  /** The configuration with this one outbox. */
  RelayConfig configuration() {
    if (dir == null && value("OUTBOX_DIR").isEmpty() && !value("OUTBOX_DIRS").isEmpty()) {
      throw new CommandFailed(ExitCode.USAGE, "OUTBOX_DIRS names several: " + wayOut());
    }
    Map<String, String> one = new HashMap<>(env);
    if (dir != null) {
      one.remove("OUTBOX_DIRS");
      one.put("OUTBOX_DIR", dir.toAbsolutePath().normalize().toString());
    }
    return RelayConfig.from(one);
  }

  private String wayOut() {
    if (value("OUTBOX_DIRS").isEmpty()) {
      return "set OUTBOX_DIR or use --outbox";
    }
    return "use --outbox with one of "
        + matching().stream().map(Path::toString).collect(Collectors.joining(", ", "[", "]"));
  }

  private List<Path> matching() {
    return RelayConfig.from(env).outboxes() instanceof OutboxSelection.Matching matching
        ? OutboxSearch.find(matching.globs())
        : List.of();
  }

  private static OutboxPaths readable(Path path) {
    Path outbox = path.toAbsolutePath().normalize();
    if (!Files.isDirectory(outbox)) {
      throw new CommandFailed(
          ExitCode.OUTBOX_UNUSABLE,
          outbox + " is not a directory; the first append or the relay creates an outbox");
    }
    if (!Files.isReadable(outbox) || !Files.isExecutable(outbox)) {
      throw new CommandFailed(
          ExitCode.OUTBOX_UNUSABLE,
          "this user may not read " + outbox + "; run it as a member of the outbox's group");
    }
    return new OutboxPaths(outbox);
  }

  private static Path path(String text) {
    try {
      return Path.of(text);
    } catch (InvalidPathException e) {
      throw new CommandFailed(
          ExitCode.USAGE,
          "OUTBOX_DIR: " + e.getReason() + "; a name beyond ASCII needs a UTF-8 locale (LC_ALL)");
    }
  }

  private String value(String name) {
    return env.getOrDefault(name, "").trim();
  }
}
