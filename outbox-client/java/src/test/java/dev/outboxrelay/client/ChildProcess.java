package dev.outboxrelay.client;

import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.disk.DiskStep;
import dev.outboxrelay.client.disk.FaultyDisk;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.lock.SyncLock;
import dev.outboxrelay.client.lock.WritersLock;
import dev.outboxrelay.client.writing.QueueWriter;
import dev.outboxrelay.client.writing.WriterOptions;
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
  private static final int FRAMES_OF_AN_APPEND = 500;
  private static final int STACK_BYTES = 256 << 10;

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

  /** The same as root of mounts of its own, which a shell command makes before. */
  public static ChildProcess appendingBehindMounts(String mounts, Path outbox, int count)
      throws IOException {
    return start(inMounts(mounts), "append", outbox.toString(), Integer.toString(count));
  }

  /** Appends once where publishing is a fault of the mapping; prints the error's class. */
  public static ChildProcess faultingBehindMounts(String mounts, Path outbox) throws IOException {
    return start(inMounts(mounts), "fault", outbox.toString(), "0");
  }

  private static String inMounts(String mounts) {
    return "exec unshare -rm sh -c '" + mounts + " && exec \"$@\"' sh \"$@\"; ";
  }

  /** Whether this user may have mounts of its own. */
  public static boolean mayMount() throws IOException, InterruptedException {
    try {
      return new ProcessBuilder("unshare", "-rm", "mount", "-t", "tmpfs", "none", "/proc")
              .start()
              .waitFor()
          == 0;
    } catch (IOException e) {
      return false; // there is no unshare
    }
  }

  /**
   * Appends in threads whose stack ends ever later, from before the append to behind it, and after
   * each in one that has room; prints what went wrong with the latter, then how often each was.
   */
  public static ChildProcess exhaustingItsStack(Path outbox) throws IOException {
    return start(
        "JDK_JAVA_OPTIONS=-Xint; export JDK_JAVA_OPTIONS; ", "deep", outbox.toString(), "0");
  }

  /** Holds the writers' lock until it is closed; prints a line once it has it. */
  public static ChildProcess holdingTheLock(Path outbox) throws IOException {
    return start("", "hold", outbox.toString(), "0");
  }

  /** The same with the sync lock. */
  public static ChildProcess holdingTheSyncLock(Path outbox) throws IOException {
    return start("", "hold-sync", outbox.toString(), "0");
  }

  /** Like {@link #appending}, in {@code power} durability. */
  public static ChildProcess appendingInPower(Path outbox, int count) throws IOException {
    return start(
        "OUTBOX_DURABILITY=power; export OUTBOX_DURABILITY; ",
        "append",
        outbox.toString(),
        Integer.toString(count));
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
    if (arguments[0].equals("hold-sync")) {
      try (WritersLock lock =
          new WritersLock(new OutboxPaths(outbox).lock(), Disk.REAL, new Random())) {
        lock.acquire(Duration.ofSeconds(60));
        SyncLock sync = lock.syncLock();
        lock.release();
        System.out.println(sync.tryAcquire(Disk.REAL) ? "held" : "refused");
        System.in.read();
      }
      return;
    }
    if (arguments[0].equals("deep")) {
      exhaustStack(outbox);
      return;
    }
    if (arguments[0].equals("fault")) {
      Disk disk = new FaultyDisk(DiskStep.PUBLISH, 1, FaultyDisk.Fault.IO_ERROR);
      try (QueueWriter writer =
          QueueWriter.open(WriterOptions.of(new OutboxPaths(outbox)).withDisk(disk))) {
        writer.append(OutboxEvent.of("t", "x"));
      } catch (OutboxError e) {
        System.out.println(e.getClass().getSimpleName() + " " + e.maybeAppended().isPresent());
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

  private static void exhaustStack(Path outbox) throws InterruptedException {
    try (Outbox opened = Outbox.builder().path(outbox).lockTimeout(Duration.ofMillis(100)).open()) {
      Runnable append = () -> opened.append(OutboxEvent.of("t", "x"));
      for (int i = 0; i < 200; i++) { // until it looks at its lock, too
        append.run();
      }
      int frames = 0;
      while (survives(frames + FRAMES_OF_AN_APPEND, () -> {})) {
        frames++;
      }
      int whole = 0;
      for (int i = 0; i <= FRAMES_OF_AN_APPEND; i++) {
        whole += survives(frames + i, append) ? 1 : 0;
        append.run();
      }
      System.out.println(whole > 0 && whole < FRAMES_OF_AN_APPEND);
    } catch (OutboxError e) {
      System.out.println(e);
    }
  }

  private static boolean survives(int frames, Runnable work) throws InterruptedException {
    boolean[] survived = new boolean[1];
    Runnable exhausting =
        () -> {
          try {
            descend(frames, work);
            survived[0] = true;
          } catch (StackOverflowError e) {
            // as servers do
          }
        };
    Thread thread = new Thread(null, exhausting, "deep", STACK_BYTES);
    thread.start();
    thread.join();
    return survived[0];
  }

  private static void descend(int frames, Runnable work) {
    if (frames == 0) {
      work.run();
    } else {
      descend(frames - 1, work);
    }
  }
}
