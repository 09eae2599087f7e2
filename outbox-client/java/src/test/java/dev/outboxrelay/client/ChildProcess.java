package dev.outboxrelay.client;

import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.lock.WritersLock;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.UUID;

/** A second JVM that works on an outbox, without any JVM flag. */
public final class ChildProcess implements AutoCloseable {
  private final Process process;
  private final BufferedReader output;

  private ChildProcess(Process process) {
    this.process = process;
    output = process.inputReader(StandardCharsets.UTF_8);
  }

  /**
   * Appends until it is killed, or {@code count} events; prints {@code sequence event-id} after
   * each.
   */
  public static ChildProcess appending(Path outbox, int count) throws IOException {
    return start("", "append", outbox.toString(), Integer.toString(count));
  }

  /** The same under another umask. */
  public static ChildProcess appendingWithUmask(String umask, Path outbox, int count)
      throws IOException {
    return start("umask " + umask + "; ", "append", outbox.toString(), Integer.toString(count));
  }

  /** Holds the writers' lock until it is closed; prints a line once it has it. */
  public static ChildProcess holdingTheLock(Path outbox) throws IOException {
    return start("", "hold", outbox.toString(), "0");
  }

  private static ChildProcess start(String before, String... arguments) throws IOException {
    List<String> command = new ArrayList<>(List.of("sh", "-c", before + "exec \"$@\"", "sh"));
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of("-Xmx64m", "-cp", location(Outbox.class) + ":" + location(ChildProcess.class)));
    command.add(ChildProcess.class.getName());
    command.addAll(List.of(arguments));
    return new ChildProcess(
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start());
  }

  private static String location(Class<?> type) {
    return Path.of(type.getProtectionDomain().getCodeSource().getLocation().getPath()).toString();
  }

  /** The next line that the child prints; null at its end. */
  public String readLine() throws IOException {
    return output.readLine();
  }

  /** Sends SIGKILL and returns what the child had printed. */
  public List<String> kill() throws IOException {
    killOnly();
    List<String> lines = new ArrayList<>();
    String line;
    while ((line = output.readLine()) != null) {
      lines.add(line);
    }
    return lines;
  }

  /** Sends SIGKILL, and leaves the output to be read. */
  public void killOnly() {
    process.toHandle().destroyForcibly();
  }

  public int waitFor() throws InterruptedException {
    return process.waitFor();
  }

  @Override
  public void close() throws IOException {
    process.destroyForcibly();
    output.close();
  }

  /** The child's side. */
  public static void main(String[] arguments) throws Exception {
    Path outbox = Path.of(arguments[1]);
    if (arguments[0].equals("hold")) {
      try (WritersLock lock =
          new WritersLock(new OutboxPaths(outbox).lock(), Disk.REAL, new Random())) {
        lock.acquire(Duration.ofSeconds(60));
        System.out.println("held");
        System.in.read();
      }
      return;
    }
    int count = Integer.parseInt(arguments[2]);
    try (Outbox opened = Outbox.open(outbox)) {
      for (int i = 0; i < count; i++) {
        UUID id = UUID.randomUUID();
        Receipt receipt =
            opened.append(OutboxEvent.builder("t").value("x".repeat(i % 3000)).eventId(id).build());
        System.out.println(receipt.sequence() + " " + id);
      }
    }
  }
}
