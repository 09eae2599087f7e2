package dev.outboxrelay.relay.cli;

import dev.outboxrelay.relay.log.Logging;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Turns SIGTERM and SIGINT into a stop with a deadline and the exit code of the stop: the JVM's own
 * would be 143 or 130, whatever the relay did.
 */
final class GracefulStop {
  /** What closing may take beyond the stop itself. */
  private static final Duration GRACE = Duration.ofSeconds(5);

  private final CompletableFuture<Integer> exitCode = new CompletableFuture<>();

  private GracefulStop() {}

  /**
   * Stops when the JVM is told to end.
   *
   * @param stop asks for the stop and returns at once
   * @param deadline that the stop keeps by itself
   */
  static GracefulStop onSignal(Runnable stop, Duration deadline) {
    GracefulStop graceful = new GracefulStop();
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(() -> graceful.stopAndHalt(stop, deadline.plus(GRACE)), "graceful-stop"));
    return graceful;
  }

  /** Everything is closed, as far as it must be; the process may end. */
  void done(int code) {
    exitCode.complete(code);
  }

  private void stopAndHalt(Runnable stop, Duration patience) {
    int code = ExitCode.FAILED;
    try {
      stop.run();
      code = exitCode.get(patience.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException | ExecutionException | TimeoutException | RuntimeException e) {
      System.err.println("outbox-relay: did not stop in time: " + e);
    }
    Logging.lastWords();
    // Inside a shutdown hook, System.exit would wait for this very thread.
    Runtime.getRuntime().halt(code);
  }
}
