package dev.outboxrelay.embeddedkafka;

import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import org.apache.kafka.common.utils.Time;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;

/**
 * Runs one broker until SIGTERM. The line {@code READY host:port} on stdout says that it accepts
 * requests; warnings go to stderr. A broker killed with SIGKILL starts again on its data.
 */
public final class EmbeddedKafka {
  private static final int EXIT_USAGE = 2;
  private static final int EXIT_FAILED = 1;

  private EmbeddedKafka() {}

  public static void main(String[] args) {
    CommandLine commandLine = new CommandLine(new BrokerOptions());
    try {
      if (CommandLine.printHelpIfRequested(commandLine.parseArgs(args))) {
        return;
      }
    } catch (ParameterException e) {
      System.err.println("embedded-kafka: " + e.getMessage());
      commandLine.usage(System.err);
      System.exit(EXIT_USAGE);
    }
    BrokerOptions options = commandLine.getCommand();
    try {
      run(options.withPortsChosen());
    } catch (Throwable e) {
      System.err.println("embedded-kafka: cannot run on " + options.data() + ": " + e);
      Runtime.getRuntime().halt(EXIT_FAILED);
    }
  }

  private static void run(BrokerOptions options) throws Exception {
    StorageDirectory.formatIfNew(options);
    KafkaConfig config = new KafkaConfig(BrokerSettings.of(options), false);
    KafkaRaftServer server = new KafkaRaftServer(config, Time.SYSTEM);
    Runtime.getRuntime().addShutdownHook(new Thread(server::shutdown, "shutdown"));
    server.startup();
    System.out.println("READY " + BrokerSettings.bootstrap(options));
    server.awaitShutdown();
  }
}
