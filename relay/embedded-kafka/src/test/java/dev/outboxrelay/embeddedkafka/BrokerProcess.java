package dev.outboxrelay.embeddedkafka;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The broker's jar as a process of its own, as its users run it. */
final class BrokerProcess implements AutoCloseable {
  private static final long DEADLINE_SECONDS = 120;

  private final Process process;
  private final BufferedReader stdout;

  private BrokerProcess(Process process) {
    this.process = process;
    this.stdout =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
  }

  static BrokerProcess start(Path data, String... options) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-jar",
                Path.of("target", "embedded-kafka.jar").toString(),
                "--data",
                data.toString()));
    command.addAll(Arrays.asList(options));
    return new BrokerProcess(
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start());
  }

  /** Waits for the READY line and returns its address; fails when the process ends before. */
  String awaitReady() throws IOException {
    String line = stdout.readLine();
    if (line == null || !line.startsWith("READY ")) {
      throw new AssertionError("expected READY host:port, but the broker said: " + line);
    }
    return line.substring("READY ".length());
  }

  void kill() {
    process.destroyForcibly().onExit().join();
  }

  /** Sends SIGTERM and returns the exit code. */
  int terminate() throws InterruptedException {
    process.destroy();
    return awaitExit();
  }

  int awaitExit() throws InterruptedException {
    if (!process.waitFor(DEADLINE_SECONDS, TimeUnit.SECONDS)) {
      throw new AssertionError("the broker still runs after " + DEADLINE_SECONDS + " s");
    }
    return process.exitValue();
  }

  @Override
  public void close() {
    kill();
  }
}
