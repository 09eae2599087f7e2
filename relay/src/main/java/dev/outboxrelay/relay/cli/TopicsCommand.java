package dev.outboxrelay.relay.cli;

import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.relay.config.RelayConfig;
import dev.outboxrelay.relay.doctor.Doctor;
import dev.outboxrelay.relay.doctor.Finding;
import dev.outboxrelay.relay.doctor.KafkaChecks;
import dev.outboxrelay.relay.doctor.ParkedChecks;
import dev.outboxrelay.relay.fact.Held;
import dev.outboxrelay.relay.inspect.Backlog;
import dev.outboxrelay.relay.kafka.KafkaAdmin;
import dev.outboxrelay.relay.park.ParkedFiles;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
    name = "topics",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    description = "Checks or creates the topics that events are waiting for.")
final class TopicsCommand implements Runnable {
  private static final Duration KAFKA_TIMEOUT = Duration.ofSeconds(10);

  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "check or create?");
  }

  /** Those given, else those of the settings, whatever waits, and these that are parked. */
  private static Set<String> topics(
      List<String> given, RelayConfig config, Backlog backlog, Parked parked) throws IOException {
    Set<String> topics = new TreeSet<>(given);
    if (topics.isEmpty()) {
      topics.addAll(backlog.topics().keySet());
      config.topic().ifPresent(topics::add);
      config.deadLetters().topic().ifPresent(topics::add);
      topics.addAll(parked.topics());
    }
    if (topics.isEmpty()) {
      throw new CommandFailed(
          ExitCode.USAGE, "no event waits and OUTBOX_TOPIC is not set: name the topics");
    }
    return topics;
  }

  private interface Parked {
    Collection<String> topics() throws IOException;
  }

  private static Backlog backlog(RelayConfig config) throws IOException {
    return Backlog.read(new OutboxPaths(config.outboxDir()), Long.MAX_VALUE);
  }

  @Command(
      name = "check",
      mixinStandardHelpOptions = true,
      description = {
        "Tells whether topics exist, can be written, and take and keep what waits for them.",
        "Exit code 7 if one does not, or if Kafka can't be asked."
      })
  static final class Check implements Callable<Integer> {
    @Spec private CommandSpec spec;
    @Mixin private final OutboxOption outbox;

    @Parameters(
        paramLabel = "TOPIC",
        arity = "0..*",
        description =
            "Topics (default: OUTBOX_TOPIC, OUTBOX_DEAD_LETTER_TOPIC, those of waiting or parked"
                + " events).")
    private List<String> given = List.of();

    @Option(names = "--json", description = "One JSON object per line.")
    private boolean json;

    Check(Map<String, String> env) {
      outbox = new OutboxOption(env);
    }

    @Override
    public Integer call() throws IOException {
      RelayConfig config = outbox.configuration();
      Backlog backlog = backlog(config);
      ParkedChecks parked = new ParkedChecks(new OutboxPaths(config.outboxDir()));
      Set<String> topics = topics(given, config, backlog, parked::topics);
      // Whatever the topics are like, nothing goes there from an outbox that can't be used.
      List<Finding> findings =
          new Doctor(config, Clock.systemUTC(), KAFKA_TIMEOUT)
              .outbox().stream()
                  .filter(finding -> finding.grade() == Finding.Grade.PROBLEM)
                  .collect(Collectors.toCollection(ArrayList::new));
      Backlog waiting = backlog.and(parked.read(topics, Long.MAX_VALUE).waiting());
      findings.addAll(parked.findings());
      findings.addAll(
          new KafkaChecks(config, Clock.systemUTC(), KAFKA_TIMEOUT).findings(topics, waiting));
      return FindingsPrinter.print(findings, json, spec.commandLine().getOut());
    }
  }

  @Command(
      name = "create",
      mixinStandardHelpOptions = true,
      description = "Creates topics; one that exists is left as it is.")
  static final class Create implements Callable<Integer> {
    @Spec private CommandSpec spec;
    @Mixin private final OutboxOption outbox;

    @Parameters(
        paramLabel = "TOPIC",
        arity = "0..*",
        description =
            "Topics (default: OUTBOX_TOPIC, OUTBOX_DEAD_LETTER_TOPIC, those of waiting or parked"
                + " events).")
    private List<String> given = List.of();

    @Option(
        names = "--partitions",
        paramLabel = "N",
        converter = Converters.Count.class,
        description = "Partitions of each (default: the broker's).")
    private Optional<Integer> partitions = Optional.empty();

    @Option(
        names = "--replication",
        paramLabel = "N",
        converter = Converters.ShortCount.class,
        description = "Replicas of each partition (default: the broker's).")
    private Optional<Short> replication = Optional.empty();

    Create(Map<String, String> env) {
      outbox = new OutboxOption(env);
    }

    @Override
    public Integer call() throws IOException {
      RelayConfig config = outbox.configuration();
      PrintWriter out = spec.commandLine().getOut();
      try (KafkaAdmin admin = KafkaAdmin.open(config.kafka(), KAFKA_TIMEOUT)) {
        for (String topic : topics(given, config, backlog(config), () -> largest(config))) {
          boolean created = admin.create(topic, partitions, replication);
          out.println((created ? "created  " : "exists   ") + topic);
        }
      }
      return ExitCode.OK;
    }

    /** No more than somebody looks through: a topic may be parked as its name is a mistake. */
    private static List<String> largest(RelayConfig config) throws IOException {
      return ParkedFiles.read(new OutboxPaths(config.outboxDir())).largest().stream()
          .map(Held.Topic::name)
          .toList();
    }
  }
}
