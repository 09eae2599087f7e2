package dev.outboxrelay.relay.cli;

import dev.outboxrelay.relay.control.Selection;
import dev.outboxrelay.relay.deadletter.Letter;
import dev.outboxrelay.relay.fact.DeadLetterReason;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Says which dead letters a command is about. */
final class LetterOptions {
  @Parameters(
      paramLabel = "NUMBER",
      arity = "0..*",
      description = "Those with these numbers; the numbers are those of the list.")
  private List<Long> numbers = new ArrayList<>();

  @Option(names = "--topic", paramLabel = "TOPIC", description = "Those of these topics.")
  private List<String> topics = new ArrayList<>();

  @Option(
      names = "--reason",
      paramLabel = "REASON",
      description = "Those that were given up for one of these.")
  private List<String> reasons = new ArrayList<>();

  @Option(names = "--id", paramLabel = "EVENT-ID", description = "Those of these events.")
  private List<UUID> ids = new ArrayList<>();

  /** Those for which all conditions hold. */
  Selection selection() {
    reasons.forEach(LetterOptions::checkReason);
    try {
      return new Selection(
          new HashSet<>(topics),
          new HashSet<>(reasons),
          new HashSet<>(ids),
          new HashSet<>(numbers));
    } catch (IllegalArgumentException e) {
      throw new CommandFailed(ExitCode.USAGE, e.getMessage());
    }
  }

  private static void checkReason(String reason) {
    Set<String> known = new TreeSet<>(Set.of(Letter.UNKNOWN_REASON));
    for (DeadLetterReason each : DeadLetterReason.values()) {
      known.add(each.label());
    }
    if (!known.contains(reason)) {
      throw new CommandFailed(
          ExitCode.USAGE, "--reason: '" + reason + "' is none; there are " + known);
    }
  }
}
