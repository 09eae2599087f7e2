package dev.outboxrelay.relay.notify;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * By the command {@code systemd-notify}, as a JDK 17 can't send to a Unix datagram socket. Not
 * thread-safe.
 */
final class SystemdNotify implements Messenger {
  private static final Logger LOG = LoggerFactory.getLogger(SystemdNotify.class);

  /** The command waits for systemd to have read the message; usually that takes milliseconds. */
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  private final String command;
  private final String socket;

  SystemdNotify(String command, String socket) {
    this.command = command;
    this.socket = socket;
  }

  @Override
  public void tell(List<String> assignments) {
    List<String> words = new ArrayList<>(List.of(command));
    words.addAll(assignments);
    ProcessBuilder builder = new ProcessBuilder(words).redirectErrorStream(true);
    // Not our environment: secrets may be in it.
    builder.environment().clear();
    builder.environment().put("NOTIFY_SOCKET", socket);
    try {
      run(builder);
    } catch (IOException e) {
      complain(e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void run(ProcessBuilder builder) throws IOException, InterruptedException {
    Process process = builder.start();
    try (InputStream output = process.getInputStream()) {
      process.getOutputStream().close();
      if (!process.waitFor(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
        complain("no answer within " + PATIENCE.toSeconds() + " s");
      } else if (process.exitValue() != 0) {
        String told = new String(output.readNBytes(1_000), StandardCharsets.UTF_8);
        complain("exit code " + process.exitValue() + ": " + told.strip());
      }
    } finally {
      process.destroyForcibly();
    }
  }

  private void complain(String error) {
    LOG.atWarn()
        .addKeyValue("error", error)
        .addKeyValue("command", command)
        .addKeyValue("do", "unset NOTIFY_SOCKET if no service manager waits for an answer")
        .log("service manager not told");
  }
}
