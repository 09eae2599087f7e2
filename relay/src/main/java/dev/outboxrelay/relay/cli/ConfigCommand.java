package dev.outboxrelay.relay.cli;

import dev.outboxrelay.relay.config.RelayConfig;
import dev.outboxrelay.relay.http.ConfigJson;
import java.io.PrintWriter;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
    name = "config",
    mixinStandardHelpOptions = true,
    description = {
      "Prints the configuration, secrets masked.",
      "It is what run would use, defaults included. Exit code 2, and every error, if it",
      "is not valid."
    })
final class ConfigCommand implements Callable<Integer> {
  private final Map<String, String> env;
  @Spec private CommandSpec spec;

  @Option(names = "--json", description = "One JSON object.")
  private boolean json;

  ConfigCommand(Map<String, String> env) {
    this.env = env;
  }

  @Override
  public Integer call() {
    RelayConfig config = RelayConfig.from(env);
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      out.println(ConfigJson.write(config));
    } else {
      config.settings().forEach((name, value) -> out.println(name + "=" + value));
      out.println();
      out.println("# Kafka's producer");
      config.kafka().masked().forEach((name, value) -> out.println(name + "=" + value));
      config.warnings().forEach(line -> spec.commandLine().getErr().println("warning: " + line));
    }
    return ExitCode.OK;
  }
}
