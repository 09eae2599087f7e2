package dev.outboxrelay.relay.pipeline;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.locks.LockSupport;

/** Turns a pipeline's loop on a thread of its own until it ends, and closes it then. */
public final class PipelineRunner {
  private static final int TURNS_BEFORE_PARK = 20;

  private final Pipeline pipeline;
  private final CompletableFuture<PipelineEnd> end = new CompletableFuture<>();

  private PipelineRunner(Pipeline pipeline) {
    this.pipeline = pipeline;
  }

  /** Starts the thread; it closes the pipeline when it ends. */
  public static PipelineRunner start(Pipeline pipeline) {
    PipelineRunner runner = new PipelineRunner(pipeline);
    Thread thread = new Thread(runner::run, "outbox-delivery");
    thread.start();
    return runner;
  }

  /** Asks the pipeline to stop; it ends within its deadline. From any thread, also repeatedly. */
  public void stop() {
    pipeline.stop();
  }

  /** How the pipeline ended, once it has and is closed. Never completes exceptionally. */
  public Future<PipelineEnd> end() {
    return end;
  }

  private void run() {
    end.complete(turn(pipeline));
  }

  /** Turns the loop on the calling thread until it ends, and closes the pipeline. */
  public static PipelineEnd turn(Pipeline pipeline) {
    try (pipeline) {
      return turnInMemory(pipeline);
    } catch (Throwable e) {
      return new PipelineEnd.Failed(e);
    }
  }

  private static PipelineEnd turnInMemory(Pipeline pipeline) {
    try {
      return turnUntilTheEnd(pipeline);
    } catch (OutOfMemoryError e) {
      // It ends the process, here and now: to close things might hang.
      Thread thread = Thread.currentThread();
      thread.getUncaughtExceptionHandler().uncaughtException(thread, e);
      throw e;
    }
  }

  private static PipelineEnd turnUntilTheEnd(Pipeline pipeline) {
    int idle = 0;
    while (pipeline.end() == null) {
      if (pipeline.doWork() > 0) {
        idle = 0;
      } else if (++idle > TURNS_BEFORE_PARK) {
        LockSupport.parkNanos(pipeline, pauseNanos(idle));
      } else {
        Thread.onSpinWait();
      }
    }
    return pipeline.end();
  }

  /**
   * How long to pause after so many turns in which nothing happened: a millisecond at first; after
   * a second, after ten of them and after a minute latency gives way to an idle processor, as each
   * wake-up costs some 40 to 100 µs of it.
   */
  private static long pauseNanos(int idleTurns) {
    if (idleTurns <= 1000) {
      return 1_000_000;
    }
    if (idleTurns <= 3000) {
      return 5_000_000;
    }
    return idleTurns <= 5500 ? 20_000_000 : 50_000_000;
  }
}
