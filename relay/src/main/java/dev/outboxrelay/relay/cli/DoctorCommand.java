package dev.outboxrelay.relay.cli;

import dev.outboxrelay.relay.doctor.Doctor;
import java.time.Clock;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
    name = "doctor",
    mixinStandardHelpOptions = true,
    description = {
      "Looks for what holds events up, and says what to do.",
      "Checks directory, rights, space, queue, position, Kafka, topics and retention. Changes",
      "nothing. Exit code 7 if there are problems."
    })
final class DoctorCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private final OutboxOption outbox;

  @Option(names = "--json", description = "One JSON object per line.")
  private boolean json;

  @Option(
      names = "--kafka-timeout-ms",
      paramLabel = "N",
      defaultValue = "10000",
      description = "How long Kafka may take to answer (default: ${DEFAULT-VALUE}).")
  private long kafkaTimeoutMillis;

  DoctorCommand(Map<String, String> env) {
    outbox = new OutboxOption(env);
  }

  @Override
  public Integer call() {
    Doctor doctor =
        new Doctor(
            outbox.configuration(), Clock.systemUTC(), Duration.ofMillis(kafkaTimeoutMillis));
    return FindingsPrinter.print(doctor.examine(), json, spec.commandLine().getOut());
  }
}
