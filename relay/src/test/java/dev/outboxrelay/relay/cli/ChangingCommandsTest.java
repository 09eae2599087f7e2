package dev.outboxrelay.relay.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.client.DeliveryOutcome;
import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutcomesFile;
import dev.outboxrelay.client.writing.QueueWriter;
import dev.outboxrelay.client.writing.WriterOptions;
import dev.outboxrelay.relay.control.ControlFiles;
import dev.outboxrelay.relay.pipeline.RelayLock;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Commands that find no relay, and apply themselves what they ask for. */
class ChangingCommandsTest {
  @TempDir private Path directory;
  private OutboxPaths paths;

  @BeforeEach
  void append() {
    paths = new OutboxPaths(directory.resolve("outbox"));
    try (QueueWriter writer = QueueWriter.open(WriterOptions.of(paths).withTrustParent(true))) {
      writer.append(OutboxEvent.of("a", "1"));
    }
  }

  private CommandLineRun run(String... arguments) {
    Map<String, String> env =
        Map.of("OUTBOX_DIR", paths.root().toString(), "OUTBOX_TRUST_PARENT", "1");
    return CommandLineRun.of(env, arguments);
  }

  @Test
  void whatWasToldIsNotForgottenWhereThePositionIsDamaged() throws IOException {
    try (OutcomesFile file = OutcomesFile.open(paths.outcomes(), Disk.REAL)) {
      file.append(List.of(new OutcomesFile.Range(1, 1, DeliveryOutcome.DEAD)));
    }
    Files.write(paths.position(), new byte[] {1, 2, 3});
    Files.setAttribute(paths.position(), "unix:mode", 0660);
    CommandLineRun refused = run("dead-letters", "discard", "--all", "--timeout", "5");
    assertThat(refused.exitCode()).isNotZero();
    assertThat(refused.err()).contains("relay.position");
    assertThat(OutcomesFile.outcomeOf(1, paths.outcomes())).isEqualTo(DeliveryOutcome.DEAD);
    Files.delete(paths.position());
    assertThat(run("dead-letters", "discard", "--all", "--timeout", "60").exitCode()).isZero();
  }

  /** A relay holds the lock and answers nothing. */
  @Test
  @Timeout(120)
  void whoInterruptsItIsToldWhatBecomesOfTheRequest() throws IOException, InterruptedException {
    ProcessBuilder builder =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-cp",
            System.getProperty("java.class.path"),
            Main.class.getName(),
            "parked",
            "retry",
            "a",
            "--timeout",
            "100");
    builder.environment().put("OUTBOX_DIR", paths.root().toString());
    builder.environment().put("OUTBOX_TRUST_PARENT", "1");
    Path told = directory.resolve("told");
    builder.redirectError(told.toFile());
    try (RelayLock unused = RelayLock.take(paths.root())) {
      Process command = builder.start();
      try {
        while (command.isAlive() && !new ControlFiles(paths, Disk.REAL).hasOpen()) {
          Thread.onSpinWait();
        }
        command.destroy();
        assertThat(command.waitFor()).isEqualTo(143);
        assertThat(run("--help").out()).contains("130", "143");
        assertThat(told)
            .content()
            .contains("interrupted; the request stands", "--request", ".request");
      } finally {
        command.destroyForcibly().waitFor();
      }
    }
  }
}
