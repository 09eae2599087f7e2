package dev.outboxrelay.relay.metrics;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The metrics in a file, for the textfile collector of node_exporter, where nothing may listen. The
 * file is replaced as a whole every 15 s, and is removed by a stop. If the relay is killed it
 * stays, and its age tells ({@code node_textfile_mtime_seconds}). A failure is logged once, until
 * it is over.
 */
public final class MetricsFile implements AutoCloseable {
  static final Duration INTERVAL = Duration.ofSeconds(15);

  private static final Logger LOG = LoggerFactory.getLogger(MetricsFile.class);
  private static final Duration LAST_WRITE = Duration.ofSeconds(5);

  private final Path file;
  private final Path draft;
  private final RelayMetrics metrics;
  private final ScheduledExecutorService thread;
  private boolean failing;
  private volatile boolean written;

  MetricsFile(Path file, RelayMetrics metrics) {
    this.file = file;
    this.draft = file.resolveSibling("." + file.getFileName() + ".tmp");
    this.metrics = metrics;
    this.thread =
        Executors.newSingleThreadScheduledExecutor(
            task -> {
              Thread writer = new Thread(task, "metrics-file");
              writer.setDaemon(true);
              return writer;
            });
  }

  /**
   * Writes it from now on.
   *
   * @param file an absolute path; node_exporter reads those that end in {@code .prom}
   */
  public static MetricsFile start(Path file, RelayMetrics metrics) {
    MetricsFile started = new MetricsFile(file, metrics);
    var unused =
        started.thread.scheduleWithFixedDelay(
            started::write, 0, INTERVAL.toMillis(), TimeUnit.MILLISECONDS);
    return started;
  }

  void write() {
    try {
      // Anew each time: it follows no link that somebody put there.
      Files.deleteIfExists(draft);
      Files.writeString(
          draft,
          metrics.scrapeOfOutboxes(),
          StandardOpenOption.CREATE_NEW,
          StandardOpenOption.WRITE);
      // Whatever the umask: its reader is another user.
      Files.setPosixFilePermissions(draft, PosixFilePermissions.fromString("rw-r--r--"));
      Files.move(draft, file, StandardCopyOption.ATOMIC_MOVE);
      written = true;
      if (failing) {
        failing = false;
        LOG.atInfo().addKeyValue("file", file).log("metrics file is written again");
      }
    } catch (OutOfMemoryError e) {
      // Its executor would keep it to itself; who logs it ends the process.
      LOG.atError().setCause(e).log("metrics file not written");
    } catch (IOException | RuntimeException | Error e) {
      // Whatever it is: nothing is scheduled any more behind what is thrown here.
      if (!failing) {
        failing = true;
        LOG.atWarn()
            .addKeyValue("file", file)
            .addKeyValue("error", e)
            .addKeyValue("do", "let the relay's user write its directory")
            .log("metrics file not written");
      }
    }
  }

  /** Stops writing and removes the file. */
  @Override
  public void close() {
    thread.shutdown();
    try {
      if (!thread.awaitTermination(LAST_WRITE.toMillis(), TimeUnit.MILLISECONDS)) {
        thread.shutdownNow();
      }
      Files.deleteIfExists(draft);
      if (written) {
        Files.deleteIfExists(file);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (IOException e) {
      LOG.atWarn()
          .addKeyValue("file", file)
          .addKeyValue("error", e)
          .log("metrics file not removed");
    }
  }
}
