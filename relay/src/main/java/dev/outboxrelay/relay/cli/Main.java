package dev.outboxrelay.relay.cli;

import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.client.record.OtherFormatFound;
import dev.outboxrelay.relay.config.ConfigErrors;
import dev.outboxrelay.relay.config.LogSettings;
import dev.outboxrelay.relay.http.HttpUnavailable;
import dev.outboxrelay.relay.kafka.KafkaRefused;
import dev.outboxrelay.relay.log.Logging;
import dev.outboxrelay.relay.pipeline.PipelineRefused;
import dev.outboxrelay.relay.secret.SecretWords;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The entry point of {@code outbox-relay.jar}. */
@Command(
    name = "outbox-relay",
    mixinStandardHelpOptions = true,
    versionProvider = Main.Version.class,
    synopsisSubcommandLabel = "COMMAND",
    description = "Delivers the events of a local outbox to Kafka.",
    footerHeading = "%nExit codes:%n",
    footer = {
      "  0  success",
      "  1  unexpected error",
      "  2  wrong command line or configuration",
      "  3  another relay holds the outbox",
      "  4  the outbox can't be used",
      "  5  an operator has to decide: position and outbox don't belong together, or another",
      "     version wrote what comes next",
      "  6  another producer took over at the broker",
      "  7  a check found problems, or not all was there, or done, that was asked for",
      "  9  done, but not all could be printed: a closed pipe, a full disk",
      " 10  stopped, but the position could not be saved",
      " 11  out of memory; 3 where the JVM is told to end itself",
      " 12  no answer in time: the request stands, and is applied when a relay comes to it",
      "130  ended by Ctrl-C; 143 by SIGTERM, 129 by SIGHUP (run stops with 0 or 10)"
    })
public final class Main implements Runnable {
  @Spec private CommandSpec spec;

  private Main() {}

  public static void main(String[] args) {
    // Chronicle reads these when its classes load; it reports home otherwise.
    System.setProperty("chronicle.analytics.disable", "true");
    System.setProperty("chronicle.announcer.disable", "true");
    // It warns of crashes by mapped writes, which are not done here.
    System.setProperty("chronicle.disk.monitor.disable", "true");
    // Files are let go by who closes them: a thread of its own, started with the first one, ended
    // the process where there are no more threads.
    System.setProperty("background.releaser", "false");
    // Each thread keeps the largest buffer outside of the heap that it needed for a read or a
    // write: of many outboxes' threads those alone were more than there may be.
    System.setProperty("jdk.nio.maxCachedBufferSize", "65536");
    // Until a command knows better: warnings only, on stderr.
    Logging.start(
        new LogSettings(LogSettings.Level.WARN, Optional.empty(), LogSettings.Format.LOGFMT));
    StandardOutput out = new StandardOutput(new FileOutputStream(FileDescriptor.out));
    int code = run(commandLine(System.getenv()), out, args);
    Logging.lastWords();
    System.exit(code);
  }

  /** Executes a command; its exit code tells also whether all could be printed. */
  static int run(CommandLine line, StandardOutput out, String... args) {
    int code = line.setOut(out.writer()).execute(args);
    Optional<String> failure = out.failure();
    failure.ifPresent(
        reason ->
            line.getErr().println("outbox-relay: the output could not be printed: " + reason));
    return code == ExitCode.OK && failure.isPresent() ? ExitCode.NOT_PRINTED : code;
  }

  /** All commands, over an environment. */
  static CommandLine commandLine(Map<String, String> env) {
    return new CommandLine(new Main())
        .addSubcommand(new RunCommand(env))
        .addSubcommand(new StatusCommand(env))
        .addSubcommand(new InspectCommand(env))
        .addSubcommand(new VerifyCommand(env))
        .addSubcommand(
            new CommandLine(new DeadLettersCommand())
                .addSubcommand(new DeadLettersCommand.ListLetters(env))
                .addSubcommand(new DeadLettersCommand.Show(env))
                .addSubcommand(new DeadLettersCommand.Export(env))
                .addSubcommand(new ChangeLetters.Replay(env))
                .addSubcommand(new ChangeLetters.Discard(env)))
        .addSubcommand(
            new CommandLine(new ParkedCommand())
                .addSubcommand(new ParkedCommand.ListTopics(env))
                .addSubcommand(new ShowParked(env))
                .addSubcommand(new ParkedCommand.Retry(env))
                .addSubcommand(new ParkedCommand.Discard(env)))
        .addSubcommand(
            new CommandLine(new TopicsCommand())
                .addSubcommand(new TopicsCommand.Check(env))
                .addSubcommand(new TopicsCommand.Create(env)))
        .addSubcommand(new ConfigCommand(env))
        .addSubcommand(new DoctorCommand(env))
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setExecutionExceptionHandler((e, line, parsed) -> report(e, line.getErr()));
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "a command is missing");
  }

  /** Tells what went wrong, and gives the exit code for it. */
  private static int report(Exception e, PrintWriter err) {
    if (e instanceof ConfigErrors configuration) {
      configuration.errors().forEach(line -> err.println("outbox-relay: " + line));
      return ExitCode.USAGE;
    }
    int code = exitCode(e);
    if (code == ExitCode.FAILED && !(e instanceof KafkaRefused || e instanceof CommandFailed)) {
      err.println("outbox-relay: unexpected error, please report it");
      StringWriter trace = new StringWriter();
      e.printStackTrace(new PrintWriter(trace));
      err.print(SecretWords.OF_THIS_PROCESS.scrub(trace.toString()));
      err.flush();
    } else {
      err.println("outbox-relay: " + (e instanceof IOException ? e.toString() : e.getMessage()));
    }
    return code;
  }

  private static int exitCode(Exception e) {
    if (e instanceof CommandFailed failed) {
      return failed.exitCode();
    } else if (e instanceof HttpUnavailable) {
      return ExitCode.USAGE;
    } else if (e instanceof PipelineRefused refused) {
      return exitCode(refused);
    } else if (OtherFormatFound.labelOf(e) != null) {
      return ExitCode.NEEDS_OPERATOR;
    } else if (e instanceof OutboxError || e instanceof IOException) {
      return ExitCode.OUTBOX_UNUSABLE;
    }
    return ExitCode.FAILED;
  }

  private static int exitCode(PipelineRefused refused) {
    if (refused instanceof PipelineRefused.HeldByAnother) {
      return ExitCode.HELD_BY_ANOTHER;
    } else if (refused instanceof PipelineRefused.NeedsOperator
        || refused instanceof PipelineRefused.OtherFormat) {
      return ExitCode.NEEDS_OPERATOR;
    }
    return ExitCode.OUTBOX_UNUSABLE;
  }

  /** The version in the jar's manifest. */
  static final class Version implements IVersionProvider {
    static String number() {
      String version = Main.class.getPackage().getImplementationVersion();
      return version == null ? "development" : version;
    }

    @Override
    public String[] getVersion() {
      return new String[] {
        "outbox-relay " + number() + " (Java " + Runtime.version().feature() + ")"
      };
    }
  }
}
