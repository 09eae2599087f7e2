package dev.outboxrelay.relay.cli;

import dev.outboxrelay.client.format.OutboxPaths;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import picocli.CommandLine.Option;

/** Names the outbox that a command reads. */
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
    String configured = env.getOrDefault("OUTBOX_DIR", "").trim();
    if (dir == null && configured.isEmpty()) {
      throw new CommandFailed(ExitCode.USAGE, "no outbox is named: set OUTBOX_DIR or use --outbox");
    }
    Path outbox = (dir == null ? Path.of(configured) : dir).toAbsolutePath().normalize();
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
}
