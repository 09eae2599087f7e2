package dev.outboxrelay.relay.cli;

import dev.outboxrelay.relay.log.Logging;
import dev.outboxrelay.relay.rounds.WorkThread;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The end of a process that is out of memory: whichever thread sees it, others may have died of it
 * unseen, and nothing that goes on can be trusted to deliver. Its manager starts it again. A JVM
 * that runs with {@code -XX:+ExitOnOutOfMemoryError} does the same by itself.
 */
final class OutOfMemory {
  private static final Logger LOG = LoggerFactory.getLogger(OutOfMemory.class);
  private static final AtomicBoolean TOLD = new AtomicBoolean();

  private OutOfMemory() {}

  /** From now on an error that no thread handles is logged, and ends the process if it is this. */
  static void watchThreads() {
    Thread.setDefaultUncaughtExceptionHandler(
        (thread, error) -> {
          if (error instanceof OutOfMemoryError) {
            end(error.getMessage());
          }
          LOG.atError()
              .addKeyValue("thread", thread.getName())
              .setCause(error)
              .log("thread ended by an error");
        });
  }

  /**
   * Somebody logged one and goes on: the end, but for a lack of threads, which leaves the heap as
   * it was and may pass.
   *
   * @param message of the error
   */
  static void logged(String message) {
    if (!WorkThread.isLackOfThreads(message)) {
      end(message);
    }
  }

  /**
   * Ends it at once: a hook of the shutdown might need memory.
   *
   * @param message of the error; the JVM tells a lack of threads by the same one
   */
  static void end(String message) {
    try {
      if (TOLD.compareAndSet(false, true)) {
        LOG.atError()
            .addKeyValue("error", message)
            .addKeyValue("do", wayOut(message))
            .log("relay ended, as it is out of memory");
        Logging.lastWords();
      }
    } finally {
      Runtime.getRuntime().halt(ExitCode.OUT_OF_MEMORY);
    }
  }

  static String wayOut(String message) {
    return WorkThread.isLackOfThreads(message)
        ? "let it have more threads (TasksMax, a pod's limit of pids, ulimit -u), or fewer outboxes"
        : "give the JVM a larger heap (-Xmx), or the relay fewer outboxes";
  }
}
